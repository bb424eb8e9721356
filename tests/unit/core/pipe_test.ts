import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { load } from "../../../src/memory/shared_access.ts";
import { NODE, PipeFlag } from "../../../src/memory/layout.ts";
import { type Pipe, PipeState } from "../../../src/core/pipe.ts";
import type { Thread } from "../../../src/core/thread.ts";
import {
  closePipe,
  Kernel,
  NOTHING_ALIVE,
  openPipe,
  type PipeEnds,
  readAllTexts,
  readTexts,
  writeTexts,
} from "../../support/kernel.ts";

const {
  ACTIVE,
  DELIMITER_RECEIVED,
  WAITING_FOR_DELIMITER,
  TERM_ACK_SENT,
  TERM_REQ_SENT1,
  TERM_REQ_SENT2,
} = PipeState;

interface Stage {
  kernel: Kernel;
  a: Thread;
  b: Thread;
  ends: PipeEnds;
}

/** A pipe whose ends live on one thread, or on two that act separately. */
function stage(threads: 1 | 2, limits: Parameters<typeof openPipe>[2] = {}) {
  const kernel = new Kernel({ inlineMessageMax: 1000 });
  const a = kernel.thread();
  const b = threads === 1 ? a : kernel.thread();
  return { kernel, a, b, ends: openPipe(a, b, limits) } satisfies Stage;
}

function expectNothingLeft({ kernel }: Stage): void {
  assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
}

/** Both ends are gone, and each owner heard of it once. */
function expectGone(s: Stage): void {
  assert.equal(s.ends.firstSink.count("pipeTerminated"), 1);
  assert.equal(s.ends.secondSink.count("pipeTerminated"), 1);
  expectNothingLeft(s);
}

describe("pipe: the table of its end, ends on two threads", () => {
  test("active: terminate() asks for the end and waits for the answer", () => {
    const s = stage(2);
    s.ends.first.terminate(true);
    assert.equal(s.ends.first.state, TERM_REQ_SENT1);
    assert.equal(s.ends.second.state, ACTIVE);
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("active: the peer's wish with nothing queued ends both at once", () => {
    const s = stage(2);
    s.ends.first.terminate(false);
    s.b.processMail();
    assert.equal(s.ends.second.state, TERM_ACK_SENT);
    s.kernel.settle();
    expectGone(s);
  });

  test("active: what is queued is read before the peer's wish is granted", () => {
    const s = stage(2);
    writeTexts(s.ends.first, "a");
    writeTexts(s.ends.first, "b");
    s.ends.first.terminate(false);
    s.kernel.settle();
    assert.equal(s.ends.second.state, WAITING_FOR_DELIMITER);
    assert.deepEqual(readTexts(s.ends.second), ["a"]);
    assert.equal(s.ends.second.state, WAITING_FOR_DELIMITER);
    assert.deepEqual(readTexts(s.ends.second), ["b"]);
    assert.equal(readTexts(s.ends.second), null);
    assert.equal(s.ends.second.state, TERM_ACK_SENT);
    s.kernel.settle();
    expectGone(s);
  });

  test("active: a side that will not read grants the wish at once", () => {
    const s = stage(2);
    writeTexts(s.ends.first, "unread");
    s.ends.second.setNoDelay();
    s.ends.first.terminate(false);
    s.b.processMail();
    assert.equal(s.ends.second.state, TERM_ACK_SENT);
    assert.equal(readTexts(s.ends.second), null);
    s.kernel.settle();
    expectGone(s);
  });

  test("a delimiter that is read before the peer's wish is noted", () => {
    const s = stage(2);
    writeTexts(s.ends.first, "a");
    s.ends.first.terminate(false);
    // The commands are under way still, but the queue is shared.
    assert.deepEqual(readTexts(s.ends.second), ["a"]);
    assert.equal(readTexts(s.ends.second), null);
    assert.equal(s.ends.second.state, DELIMITER_RECEIVED);
    s.b.processMail();
    assert.equal(s.ends.second.state, TERM_ACK_SENT);
    s.kernel.settle();
    expectGone(s);
  });

  test("delimiter received: terminate() asks as from active", () => {
    const s = stage(2);
    s.ends.first.terminate(false);
    assert.equal(readTexts(s.ends.second), null);
    assert.equal(s.ends.second.state, DELIMITER_RECEIVED);
    s.ends.second.terminate(true);
    assert.equal(s.ends.second.state, TERM_REQ_SENT1);
    s.kernel.settle();
    expectGone(s);
  });

  test("waiting for the delimiter: a delayed terminate() changes nothing", () => {
    const s = stage(2);
    writeTexts(s.ends.first, "a");
    s.ends.first.terminate(false);
    s.b.processMail();
    s.ends.second.terminate(true);
    assert.equal(s.ends.second.state, WAITING_FOR_DELIMITER);
    assert.deepEqual(readAllTexts(s.ends.second), [["a"]]);
    s.kernel.settle();
    expectGone(s);
  });

  test("waiting for the delimiter: terminate() without delay gives up", () => {
    const s = stage(2);
    writeTexts(s.ends.first, "unread");
    s.ends.first.terminate(false);
    s.b.processMail();
    s.ends.second.terminate(false);
    assert.equal(s.ends.second.state, TERM_ACK_SENT);
    s.kernel.settle();
    expectGone(s);
  });

  test("both ask at once: neither waits for a reader", () => {
    const s = stage(2);
    writeTexts(s.ends.first, "unread");
    writeTexts(s.ends.second, "unread");
    s.ends.first.terminate(true);
    s.ends.second.terminate(true);
    s.b.processMail();
    assert.equal(s.ends.second.state, TERM_REQ_SENT2);
    s.kernel.settle();
    expectGone(s);
  });

  test("a second terminate() has no effect in any later state", () => {
    const s = stage(2);
    s.ends.first.terminate(true);
    s.ends.first.terminate(false);
    assert.equal(s.ends.first.state, TERM_REQ_SENT1);
    s.ends.second.terminate(false);
    s.b.processMail();
    s.ends.second.terminate(true);
    assert.equal(s.ends.second.state, TERM_REQ_SENT2);
    s.kernel.settle();
    expectGone(s);
  });
});

describe("pipe: what must not be done near its end", () => {
  test("nothing is written once the end has begun", () => {
    for (const threads of [1, 2] as const) {
      const s = stage(threads);
      writeTexts(s.ends.first, "a");
      s.ends.first.terminate(false);
      s.b.processMail();
      for (const end of [s.ends.first, s.ends.second]) {
        assert.equal(end.writable, false);
        assert.equal(end.checkWrite(), false);
        assert.equal(writeTexts(end, "late"), false);
        assert.equal(end.writeChange(Uint8Array.of(1)), false);
        end.writeCommand(Uint8Array.of(1));
        assert.equal(end.writer.written, end === s.ends.first ? 1 : 0);
      }
      closePipe(s.kernel, s.ends);
      expectGone(s);
    }
  });

  test("an end that has acknowledged tells the other nothing more", () => {
    const s = stage(2, { firstSend: 8 });
    while (s.ends.first.checkWrite()) writeTexts(s.ends.first, "x");
    s.ends.second.setNoDelay();
    s.ends.first.terminate(false);
    s.b.processMail();
    s.a.processMail();
    assert.equal(s.ends.firstSink.count("pipeTerminated"), 1);
    // The first end is gone; all of this would once have woken it.
    s.ends.second.countRead(8);
    s.ends.second.tellRead();
    s.ends.second.setHwm(1, 1);
    s.ends.second.flush();
    const { words } = s.kernel.control;
    assert.equal(load(words, s.ends.first.node + NODE.PENDING), 0);
    s.kernel.settle();
    expectGone(s);
  });

  test("a pair that nobody heard of is freed with what was written", () => {
    const s = stage(1);
    s.ends.first.writeChange(Uint8Array.of(1, 2, 3));
    writeTexts(s.ends.first, "x".repeat(5000));
    s.a.unregister(s.ends.second.node);
    s.ends.first.discard();
    expectNothingLeft(s);
  });
});

describe("pipe: everything that two ends may do", () => {
  const ACTS: readonly ((s: Stage) => void)[] = [
    ({ ends }) => writeTexts(ends.first, "m", "n"),
    ({ ends }) => writeTexts(ends.second, "x".repeat(1500)),
    ({ ends }) => readTexts(ends.first),
    ({ ends }) => readTexts(ends.second),
    ({ ends }) => ends.first.terminate(true),
    ({ ends }) => ends.first.terminate(false),
    ({ ends }) => ends.second.terminate(true),
    ({ ends }) => ends.second.terminate(false),
    ({ a }) => a.processMail(),
    ({ b }) => b.processMail(),
  ];
  const DEPTH = 5;

  for (const threads of [1, 2] as const) {
    test(`every sequence of ${DEPTH} acts can still end, ends on ${threads} thread(s)`, () => {
      const kernel = new Kernel({ inlineMessageMax: 1000 });
      const a = kernel.thread();
      const b = threads === 1 ? a : kernel.thread();
      const sequences = ACTS.length ** DEPTH;
      for (let number = 0; number < sequences; number += 1) {
        const s: Stage = { kernel, a, b, ends: openPipe(a, b) };
        const alive = (sink: { count(call: string): number }) =>
          sink.count("pipeTerminated") === 0;
        let rest = number;
        for (let n = 0; n < DEPTH; n += 1) {
          const act = ACTS[rest % ACTS.length] as (s: Stage) => void;
          rest = Math.floor(rest / ACTS.length);
          // An owner forgets a pipe that is gone.
          if (alive(s.ends.firstSink) && alive(s.ends.secondSink)) act(s);
        }
        if (alive(s.ends.firstSink)) s.ends.first.terminate(false);
        if (alive(s.ends.secondSink)) s.ends.second.terminate(false);
        kernel.settle();
        const heard = s.ends.firstSink.count("pipeTerminated") +
          s.ends.secondSink.count("pipeTerminated");
        if (heard !== 2 || kernel.counts().pipes !== 0) {
          assert.fail(`sequence ${number}: ${heard} of 2 ends are gone`);
        }
      }
      assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
    });
  }
});

/** Fills a pipe to its mark; how many messages that took. */
function fill(pipe: Pipe): number {
  let count = 0;
  while (pipe.checkWrite()) {
    writeTexts(pipe, String(count));
    count += 1;
  }
  return count;
}

describe("pipe: high-water marks", () => {
  test("a mark that is raised lets a blocked writer go on", () => {
    const s = stage(2, { firstSend: 2 });
    assert.equal(fill(s.ends.first), 2);
    s.ends.first.setHwm(5, 0);
    assert.equal(s.ends.firstSink.count("writeActivated"), 1);
    assert.equal(fill(s.ends.first), 3);
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("a reader's mark that is raised reaches the writer", () => {
    const s = stage(2, { firstSend: 2, secondReceive: 1 });
    assert.equal(fill(s.ends.first), 3);
    s.ends.second.setHwm(0, 4);
    s.kernel.settle();
    assert.equal(s.ends.firstSink.count("writeActivated"), 1);
    assert.equal(fill(s.ends.first), 3);
    closePipe(s.kernel, s.ends);
  });

  test("a mark of 0 on either side is no bound", () => {
    const s = stage(2, { firstSend: 2, secondReceive: 1 });
    s.ends.second.setHwm(0, 0);
    s.kernel.settle();
    for (let n = 0; n < 1000; n += 1) {
      assert.ok(s.ends.first.checkWrite());
      writeTexts(s.ends.first, "x");
    }
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("a mark that is lowered holds from the next message on", () => {
    const s = stage(2, { firstSend: 10 });
    for (let n = 0; n < 6; n += 1) writeTexts(s.ends.first, String(n));
    s.ends.first.setHwm(4, 0);
    assert.equal(s.ends.first.checkWrite(), false);
    for (let n = 0; n < 6; n += 1) readTexts(s.ends.second);
    assert.equal(readTexts(s.ends.second), null);
    s.kernel.settle();
    assert.equal(s.ends.firstSink.count("writeActivated"), 1);
    assert.equal(fill(s.ends.first), 4);
    closePipe(s.kernel, s.ends);
  });

  for (const hwm of [1, 2, 3, 7, 64, 1000]) {
    test(`a blocked writer is woken again and again at a mark of ${hwm}`, () => {
      const s = stage(2, { firstSend: hwm });
      let read = 0;
      for (let round = 0; round < 20; round += 1) {
        assert.ok(fill(s.ends.first) > 0, `round ${round}`);
        for (let n = 0; n < hwm; n += 1) {
          if (readTexts(s.ends.second) !== null) read += 1;
        }
        assert.equal(readTexts(s.ends.second), null);
        s.kernel.settle();
        assert.deepEqual(s.ends.firstSink.take(), ["writeActivated"]);
      }
      assert.equal(read, 20 * hwm);
      closePipe(s.kernel, s.ends);
    });
  }
});

describe("pipe: hiccup", () => {
  test("what was queued for the former connection is dropped and paid back", () => {
    const s = stage(2, { firstSend: 3, holding: true });
    for (const text of ["a", "b", "c"]) writeTexts(s.ends.first, text);
    assert.equal(s.ends.first.checkWrite(), false);
    s.ends.second.hiccup();
    assert.ok(s.ends.second.hiccupPending);
    s.a.processMail();
    assert.deepEqual(s.ends.firstSink.take(), ["hiccuped"]);
    s.b.processMail();
    assert.equal(s.ends.second.hiccupPending, false);
    assert.deepEqual(s.ends.secondSink.take(), ["hiccupAcknowledged"]);
    // The session looks for something to send, and finds nothing.
    assert.equal(readTexts(s.ends.second), null);
    s.kernel.settle();
    assert.ok(s.ends.firstSink.calls.includes("writeActivated"));
    assert.equal(fill(s.ends.first), 3);
    assert.deepEqual(readAllTexts(s.ends.second), [["0"], ["1"], ["2"]]);
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("what is written after the socket heard of it stays", () => {
    const s = stage(2, { holding: true });
    writeTexts(s.ends.first, "x".repeat(2000));
    writeTexts(s.ends.first, "stale", "parts");
    s.ends.second.hiccup();
    s.a.processMail();
    writeTexts(s.ends.first, "fresh", "parts");
    s.b.processMail();
    assert.deepEqual(readAllTexts(s.ends.second), [["fresh", "parts"]]);
    assert.equal(s.kernel.counts().blocks, 0);
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("an end that is dying does not hiccup", () => {
    const s = stage(2, { holding: true });
    s.ends.second.terminate(false);
    s.ends.second.hiccup();
    assert.equal(s.ends.second.hiccupPending, false);
    s.kernel.settle();
    assert.equal(s.ends.firstSink.count("hiccuped"), 0);
    expectGone(s);
  });
});

describe("pipe: memory", () => {
  const LIMIT = 512 * 1024;

  test("a writer without memory is told when some came free, and loses nothing", () => {
    const kernel = new Kernel({ memoryLimit: LIMIT });
    const [a, b] = [kernel.thread(), kernel.thread()];
    const ends = openPipe(a, b);
    const body = new Uint8Array(10_000).fill(7);
    let written = 0;
    while (ends.first.write([body, body], 0, 2)) written += 1;
    assert.ok(written >= 10, `${written} messages found memory`);
    kernel.settle();
    ends.firstSink.take();
    assert.equal(ends.first.checkWrite(), true, "it is not about credit");
    let read = 0;
    while (ends.firstSink.count("writeActivated") === 0) {
      assert.ok(ends.second.checkRead(), "all was read and nobody was told");
      ends.second.skipMessage();
      read += 1;
      kernel.settle();
    }
    assert.ok(ends.first.write([body, body], 0, 2));
    while (ends.second.checkRead()) {
      assert.equal(ends.second.takePart().length, body.length);
      ends.second.nextFrame();
      assert.equal(ends.second.takePart().length, body.length);
      read += 1;
    }
    assert.equal(read, written + 1);
    closePipe(kernel, ends);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("a message that found no memory for its last part leaves no trace", () => {
    const kernel = new Kernel({ memoryLimit: LIMIT, inlineMessageMax: 100 });
    const thread = kernel.thread();
    const ends = openPipe(thread, thread);
    const before = kernel.counts();
    const parts = [new Uint8Array(1000), new Uint8Array(LIMIT)];
    assert.equal(ends.first.write(parts, 0, 2), false);
    assert.equal(kernel.counts().blocks, before.blocks);
    assert.equal(ends.second.checkRead(), false);
    assert.ok(writeTexts(ends.first, "fits"));
    assert.deepEqual(readAllTexts(ends.second), [["fits"]]);
    closePipe(kernel, ends);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("messages unread at the end are freed: small, large, shared, conflated", () => {
    for (
      const flags of [0, PipeFlag.CONFLATE_FIRST | PipeFlag.CONFLATE_SECOND]
    ) {
      for (const threads of [1, 2] as const) {
        for (const holding of [false, true]) {
          const s = stage(threads, { flags, holding });
          for (let n = 0; n < 300; n += 1) {
            writeTexts(s.ends.first, "small", "x".repeat(999), "y");
            writeTexts(s.ends.second, "x".repeat(1001));
          }
          // One is half read.
          if (s.ends.second.checkRead()) s.ends.second.skipFrame();
          closePipe(s.kernel, s.ends);
          expectGone(s);
        }
      }
    }
  });

  test("messages that the user holds outlive the pipe, and no longer", () => {
    const conflated = PipeFlag.CONFLATE_FIRST | PipeFlag.CONFLATE_SECOND;
    for (const threads of [1, 2] as const) {
      for (const flags of [0, conflated]) {
        const s = stage(threads, { flags });
        // A block of its own, a place in a chunk, and another block.
        const texts = ["x".repeat(1001), "small", "y".repeat(5000)];
        writeTexts(s.ends.first, ...texts);
        assert.ok(s.ends.second.checkRead());
        const messages = texts.map((_, part) => {
          if (part > 0) s.ends.second.nextFrame();
          return s.ends.second.takeMessage();
        });
        const copies = messages.map((message) => message.copy());
        for (const message of messages) message.release();
        closePipe(s.kernel, s.ends);
        const { blocks } = s.kernel.counts();
        assert.equal(blocks, flags === 0 ? 2 : 1);
        assert.deepEqual(copies.map(String), texts);
        for (const copy of copies) copy.release();
        expectGone(s);
      }
    }
  });

  test("a view that the user holds outlives the pipe", () => {
    const s = stage(2);
    writeTexts(s.ends.first, "kept");
    assert.ok(s.ends.second.checkRead());
    const message = s.ends.second.takeMessage();
    closePipe(s.kernel, s.ends);
    assert.equal(s.kernel.counts().pipes, 0);
    // Somebody else's traffic would use the chunk again.
    const other = openPipe(s.a, s.b);
    writeTexts(other.first, "overwritten");
    assert.equal(message.toString(), "kept");
    message.release();
    closePipe(s.kernel, other);
    expectNothingLeft(s);
  });
});

describe("pipe: messages of one part, the short way", () => {
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
  const textOf = (bytes: Uint8Array | null): string | null =>
    bytes && new TextDecoder().decode(bytes);

  test("mix with all others, in order", () => {
    const s = stage(2);
    const { first, second } = s.ends;
    const writeBytes = (text: string): boolean => {
      const hasRoom = first.hasRoomFor(bytesOf(text));
      assert.equal(first.writeBytes(bytesOf(text)), hasRoom);
      return hasRoom;
    };
    assert.equal(writeBytes("a"), false, "no chunk yet");
    writeTexts(first, "a");
    assert.ok(writeBytes("b"));
    writeTexts(first, "c", "d");
    // The chunk is full: the next one opens the long way.
    assert.equal(writeBytes("n".repeat(300)), false);
    writeTexts(first, "n".repeat(300));
    assert.ok(writeBytes("e".repeat(300)));
    assert.equal(writeBytes("f".repeat(2000)), false, "a block");
    writeTexts(first, "f".repeat(2000));
    writeTexts(first, "");
    first.writeCommand(bytesOf("command"));
    writeTexts(first, "g");
    assert.equal(second.takeBytes(), null, "nothing of the run was seen yet");
    assert.deepEqual(readTexts(second), ["a"]);
    assert.equal(textOf(second.takeBytes()), "b");
    assert.equal(second.takeBytes(), null, "two parts");
    assert.deepEqual(readTexts(second), ["c", "d"]);
    assert.equal(second.takeBytes(), null, "in the next chunk");
    assert.deepEqual(readTexts(second), ["n".repeat(300)]);
    assert.equal(textOf(second.takeBytes()), "e".repeat(300));
    assert.equal(second.takeBytes(), null, "a block");
    assert.deepEqual(readTexts(second), ["f".repeat(2000)]);
    assert.equal(second.takeBytes(), null, "empty");
    assert.deepEqual(readTexts(second), [""]);
    assert.equal(second.takeBytes(), null, "a command");
    assert.ok(second.checkRead());
    second.skipFrame();
    assert.equal(textOf(second.takeBytes()), "g");
    assert.equal(second.takeBytes(), null);
    assert.equal(second.checkRead(), false);
    assert.ok(first.writeBytes(bytesOf("h")), "wakes the reader");
    s.b.processMail();
    assert.deepEqual(s.ends.secondSink.count("readActivated"), 1);
    assert.deepEqual(readTexts(second), ["h"]);
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("give credit back, and stop with it", () => {
    const s = stage(2, { firstSend: 4, secondReceive: 4 });
    const { first, second } = s.ends;
    let written = 0;
    writeTexts(first, "x");
    while (first.hasRoomFor(bytesOf("x"))) {
      assert.ok(first.writeBytes(bytesOf("x")));
      written += 1;
    }
    assert.equal(first.writeBytes(bytesOf("x")), false);
    assert.equal(written, 7);
    assert.deepEqual(readTexts(second), ["x"]);
    for (let n = 0; n < 7; n += 1) assert.ok(second.takeBytes());
    s.a.processMail();
    assert.equal(s.ends.firstSink.count("writeActivated"), 1);
    assert.ok(first.writeBytes(bytesOf("x")));
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("are neither written nor taken once the end has begun", () => {
    const s = stage(2);
    const { first, second } = s.ends;
    writeTexts(first, "a");
    first.writeBytes(bytesOf("b"));
    writeTexts(second, "c");
    second.writeBytes(bytesOf("d"));
    assert.deepEqual(readTexts(first), ["c"]);
    first.terminate(false);
    assert.equal(first.hasRoomFor(bytesOf("late")), false);
    assert.equal(first.writeBytes(bytesOf("late")), false);
    assert.equal(first.takeBytes(), null);
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });
});

describe("pipe: what is handed out", () => {
  test("stays as it was, though parts that come one by one share memory", () => {
    const s = stage(2);
    const { first, second } = s.ends;
    const taken: [string, Uint8Array][] = [];
    for (let n = 0; n < 500; n += 1) {
      const text = `${n} `.repeat(1 + n % 7);
      writeTexts(first, text);
      assert.ok(second.checkRead());
      taken.push([text, second.takePart()]);
      s.a.processMail();
    }
    for (const [text, part] of taken) {
      assert.equal(new TextDecoder().decode(part), text);
    }
    const buffers = new Set(taken.map(([, part]) => part.buffer));
    assert.ok(buffers.size < 20, `${buffers.size} allocations`);
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });

  test("may be transferred: what comes later is not in it", () => {
    const s = stage(2);
    const { first, second } = s.ends;
    for (let n = 0; n < 50; n += 1) {
      writeTexts(first, `message ${n}`);
      assert.ok(second.checkRead());
      const part = second.takePart();
      assert.equal(new TextDecoder().decode(part), `message ${n}`);
      if (n % 3 === 0) (part.buffer as ArrayBuffer).transfer();
    }
    closePipe(s.kernel, s.ends);
    expectGone(s);
  });
});
