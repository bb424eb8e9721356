import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CHUNK, CHUNK_HEADER_BYTES } from "../../../src/memory/chunk.ts";
import { H, QUEUE, THREAD } from "../../../src/memory/layout.ts";
import { CHUNK_BYTES } from "../../../src/memory/size_class.ts";
import {
  assertNothingUsed,
  header,
  INLINE_MAX,
  limitMemory,
  pattern,
  setHwm,
  viewMemory,
} from "../../support/memory_fixture.ts";
import { MORE, QueuePair } from "./fixtures/queue_pair.ts";

const NONE = new Uint8Array(0);

/** Sizes of the chunks of a queue, first to last. */
function chunkSizes(pair: QueuePair): number[] {
  const { payload, control } = pair.view;
  const sizes: number[] = [];
  let chunk = control.words[pair.queue + QUEUE.FIRST_CHUNK] as number;
  while (chunk !== 0) {
    const at = payload.offset(chunk) >>> 2;
    const words = payload.wordsOf(chunk);
    sizes.push(words[at + CHUNK.SIZE] as number);
    chunk = words[at + CHUNK.NEXT] as number;
  }
  return sizes;
}

describe("frames", () => {
  for (const length of [0, 1, 255, 256, 4096, 65511, INLINE_MAX]) {
    test(`of ${length} bytes come out as they went in`, () => {
      const pair = new QueuePair();
      const body = pattern(length, length + 1);
      for (let n = 0; n < 50; n += 1) {
        pair.write(body, NONE, body);
        assert.equal(pair.writer.flush(), n > 0 ? false : true);
        assert.deepEqual(pair.takeMessage(), [body, NONE, body]);
        assert.equal(pair.takeMessage(), null);
      }
      pair.destroy();
      assertNothingUsed(pair.view);
    });
  }

  test("are laid out as on the wire", () => {
    const pair = new QueuePair();
    pair.write(pattern(256, 2), pattern(3, 1));
    pair.writer.flush();
    const { reader } = pair;
    assert.ok(reader.available());
    const at = reader.offset;
    assert.deepEqual(
      [...reader.bytes.slice(at, at + 9)],
      [2 | MORE, 0, 0, 0, 0, 0, 0, 1, 0],
    );
    const next = at + 9 + 256;
    assert.deepEqual([...reader.bytes.slice(next, next + 2)], [0, 3]);
    assert.equal(reader.limit, next + 5);
    pair.destroy();
  });

  test("that fit no chunk are a broken invariant, not a broken memory", () => {
    const pair = new QueuePair();
    pair.writer.beginMessage();
    const longest = CHUNK_BYTES - CHUNK_HEADER_BYTES - 9;
    assert.ok(pair.writer.writeFrame(0, new Uint8Array(longest)));
    assert.throws(
      () => pair.writer.writeFrame(0, new Uint8Array(longest + 1)),
      /fits a chunk/,
    );
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("in runs come out one by one", () => {
    const pair = new QueuePair();
    const source = new QueuePair();
    for (let n = 0; n < 20; n += 1) source.write(pattern(n * 30, n));
    source.writer.flush();
    let count = 0;
    while (source.reader.available()) {
      const { bytes, offset, limit } = source.reader;
      assert.ok(pair.writer.ensureRoom(limit - offset));
      assert.ok(pair.writer.room >= limit - offset);
      assert.ok(pair.writer.writeRun(bytes, offset, limit));
      source.reader.offset = limit;
    }
    pair.writer.completeMessages(20);
    pair.writer.flush();
    for (; count < 20; count += 1) {
      assert.deepEqual(pair.takeMessage(), [pattern(count * 30, count)]);
    }
    pair.destroy();
    source.destroy();
    assertNothingUsed(pair.view);
  });
});

describe("chunks", () => {
  test("are not there before the first byte", () => {
    const pair = new QueuePair();
    assert.equal(pair.reader.available(), false);
    pair.writer.beginMessage();
    pair.writer.rollback();
    pair.writer.flush();
    assertNothingUsed(pair.view);
    pair.destroy();
  });

  test("grow with traffic and are handed over to the reader", () => {
    const pair = new QueuePair();
    pair.write(pattern(10, 1));
    assert.deepEqual(chunkSizes(pair), [256]);
    for (let n = 0; n < 40; n += 1) pair.write(pattern(200, n));
    assert.deepEqual(chunkSizes(pair), [256, 4096, CHUNK_BYTES]);
    pair.writer.flush();
    assert.deepEqual(pair.takeMessage(), [pattern(10, 1)]);
    for (let n = 0; n < 40; n += 1) {
      assert.deepEqual(pair.takeMessage(), [pattern(200, n)]);
    }
    assert.equal(pair.take(), null);
    // Only the last one is left, and it is the writer's.
    assert.equal(header(pair.view, H.MEMORY_USED), CHUNK_BYTES / 256);
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("of a first frame are as large as it needs", () => {
    for (
      const [length, size] of [
        [238, 256],
        [239, 4096],
        [4071, 4096],
        [4072, CHUNK_BYTES],
      ] as const
    ) {
      const pair = new QueuePair();
      pair.write(new Uint8Array(length));
      assert.deepEqual(chunkSizes(pair), [size], `${length} bytes`);
      pair.destroy();
      assertNothingUsed(pair.view);
    }
  });
});

describe("flushing", () => {
  test("makes whole messages visible, and nothing else", () => {
    const pair = new QueuePair();
    pair.write(pattern(5, 1));
    assert.equal(pair.reader.available(), false, "not flushed");
    pair.writer.beginMessage();
    pair.writer.writeFrame(MORE, pattern(5, 2));
    pair.writer.flush();
    assert.deepEqual(pair.takeMessage(), [pattern(5, 1)]);
    assert.equal(pair.takeMessage(), null, "unfinished");
    pair.writer.writeFrame(0, pattern(5, 3));
    pair.writer.completeMessages(1);
    pair.writer.flush();
    assert.deepEqual(pair.takeMessage(), [pattern(5, 2), pattern(5, 3)]);
    pair.destroy();
  });

  test("says whether a reader sleeps, once per sleep", () => {
    const pair = new QueuePair();
    pair.write(pattern(5, 1));
    assert.equal(pair.writer.flush(), true, "nobody sleeps yet");
    assert.equal(pair.writer.flush(), true, "nothing new");
    pair.takeMessage();
    assert.equal(pair.takeMessage(), null);
    assert.equal(pair.takeMessage(), null, "asleep twice is asleep");
    assert.equal(pair.writer.flush(), true, "nothing to wake it for");
    pair.write(pattern(5, 2));
    assert.equal(pair.writer.flush(), false, "wake it");
    pair.write(pattern(5, 3));
    assert.equal(pair.writer.flush(), true, "it was woken");
    assert.deepEqual(pair.takeMessage(), [pattern(5, 2)]);
    assert.deepEqual(pair.takeMessage(), [pattern(5, 3)]);
    pair.destroy();
  });
});

describe("credit", () => {
  for (const hwm of [1, 2, 3, 1000]) {
    test(`of ${hwm}: full at the mark, woken at the low-water mark`, () => {
      const pair = new QueuePair({ hwm });
      const { writer, reader } = pair;
      const low = (hwm + 1) >>> 1;
      for (let round = 0; round < 3; round += 1) {
        let written = 0;
        while (writer.hasCredit()) {
          // At least one: it looks again only when there is none.
          const credit = writer.credit();
          assert.ok(credit >= 1 && credit <= hwm - written);
          pair.write(NONE);
          written += 1;
        }
        assert.equal(written, hwm);
        assert.equal(writer.credit(), 0);
        writer.flush();
        let wakes = 0;
        let wokenAt = -1;
        for (let read = 1; read <= hwm; read += 1) {
          assert.ok(pair.take() !== null);
          if (!reader.countRead(1)) continue;
          wakes += 1;
          wokenAt = read;
          if (read < hwm) assert.ok(writer.hasCredit());
        }
        if (reader.tellRead()) wakes += 1;
        assert.equal(wakes, 1, "one wake-up");
        const step = Math.max(1, Math.min(64, hwm >>> 3));
        assert.ok(
          wokenAt >= Math.min(low, hwm - low) && wokenAt <= low + step,
          `at ${wokenAt} of ${hwm}`,
        );
        assert.ok(writer.hasCredit());
        assert.equal(writer.drained, true);
      }
      pair.destroy();
      assertNothingUsed(pair.view);
    });
  }

  test("of 0 is without limit", () => {
    const pair = new QueuePair({ hwm: 0 });
    for (let n = 0; n < 5000; n += 1) {
      assert.ok(pair.writer.hasCredit());
      pair.write(NONE);
    }
    assert.equal(pair.writer.credit(), 2 ** 30);
    pair.destroy();
  });

  test("is the sum of both sides, and unlimited if either side is", () => {
    const pair = new QueuePair();
    for (
      const [writing, reading, credit] of [
        [2, 3, 5],
        [2, -1, 2],
        [-1, 3, 3],
        [0, 3, 2 ** 30],
        [2, 0, 2 ** 30],
        [-1, -1, 2 ** 30],
      ] as const
    ) {
      setHwm(pair.view, pair.queue, writing, reading);
      pair.writer.updateHwm();
      assert.equal(pair.writer.credit(), credit);
    }
  });

  test("that ends counts as one stall, however often it is asked for", () => {
    const pair = new QueuePair({ hwm: 2 });
    const { control } = pair.view;
    const stalls = () => control.words[control.record + THREAD.STALLS];
    for (let round = 1; round <= 3; round += 1) {
      while (pair.writer.hasCredit()) pair.write(NONE);
      assert.equal(pair.writer.hasCredit(), false);
      assert.equal(stalls(), round);
      pair.writer.flush();
      while (pair.take() !== null) pair.reader.countRead(1);
      pair.reader.tellRead();
    }
    pair.destroy();
  });

  test("can be raised and lowered while messages wait", () => {
    const pair = new QueuePair({ hwm: 2 });
    pair.write(NONE);
    pair.write(NONE);
    assert.equal(pair.writer.hasCredit(), false);
    setHwm(pair.view, pair.queue, 3, -1);
    pair.writer.updateHwm();
    assert.equal(pair.writer.credit(), 1);
    pair.write(NONE);
    setHwm(pair.view, pair.queue, 1, -1);
    pair.writer.updateHwm();
    assert.equal(pair.writer.credit(), 0);
    pair.writer.flush();
    let woken = 0;
    while (pair.take() !== null) if (pair.reader.countRead(1)) woken += 1;
    assert.equal(woken, 1);
    assert.equal(pair.writer.credit(), 1);
    pair.destroy();
  });

  test("survives counts that wrap", () => {
    const pair = new QueuePair({ hwm: 3 });
    // As if 2^31 - 2 messages had gone through.
    pair.writer.completeMessages(2 ** 31 - 2);
    pair.reader.countRead(2 ** 31 - 2);
    for (let n = 0; n < 20; n += 1) {
      for (let left = 3; left > 0; left -= 1) {
        const credit = pair.writer.credit();
        assert.ok(credit >= 1 && credit <= left, `${credit} of ${left}`);
        pair.write(NONE);
      }
      assert.equal(pair.writer.hasCredit(), false);
      pair.writer.flush();
      let woken = 0;
      while (pair.take() !== null) if (pair.reader.countRead(1)) woken += 1;
      if (pair.reader.tellRead()) woken += 1;
      assert.equal(woken, 1);
    }
    assert.ok(pair.writer.written < 0, "it did wrap");
    pair.destroy();
  });
});

describe("rolling back", () => {
  // Frames of these sizes end at, before and behind the borders of chunks.
  const BORDERS = [0, 100, 236, 237, 238, 239, 240, 4070, 4071, 30_000];
  for (const before of [0, 1, 5]) {
    test(`leaves the ${before} messages before it alone`, () => {
      for (const first of BORDERS) {
        for (const second of BORDERS) {
          const pair = new QueuePair();
          for (let n = 0; n < before; n += 1) pair.write(pattern(60, n));
          pair.writer.beginMessage();
          pair.writer.writeFrame(MORE, pattern(first, 1));
          pair.writer.writeFrame(MORE, pattern(second, 2));
          pair.writer.rollback();
          pair.write(pattern(second, 3), pattern(first, 4));
          pair.writer.flush();
          for (let n = 0; n < before; n += 1) {
            assert.deepEqual(pair.takeMessage(), [pattern(60, n)]);
          }
          const last = [pattern(second, 3), pattern(first, 4)];
          assert.deepEqual(pair.takeMessage(), last, `${first}, ${second}`);
          assert.equal(pair.takeMessage(), null);
          pair.destroy();
          assertNothingUsed(pair.view);
        }
      }
    });
  }

  test("releases the blocks it had named, and only those", () => {
    const pair = new QueuePair();
    pair.writer.beginMessage();
    pair.writeBlock(0, pattern(70_000, 1));
    pair.writer.completeMessages(1);
    pair.writer.beginMessage();
    for (let n = 0; n < 400; n += 1) pair.writeBlock(MORE, pattern(10, n));
    assert.equal(header(pair.view, H.BLOCK_COUNT), 401);
    pair.writer.rollback();
    assert.equal(header(pair.view, H.BLOCK_COUNT), 1);
    pair.writer.rollback();
    pair.writer.flush();
    assert.deepEqual(pair.takeMessage(), [pattern(70_000, 1)]);
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("with a reader that already waits at the border goes unseen", () => {
    const pair = new QueuePair();
    // Fills the first chunk to its last byte.
    pair.write(new Uint8Array(238));
    pair.writer.flush();
    assert.equal(pair.takeMessage()?.[0]?.length, 238);
    assert.equal(pair.takeMessage(), null);
    pair.writer.beginMessage();
    pair.writer.writeFrame(MORE, pattern(500, 1));
    assert.equal(pair.takeMessage(), null);
    pair.writer.rollback();
    assert.equal(pair.takeMessage(), null);
    pair.write(pattern(501, 2));
    assert.equal(pair.writer.flush(), false);
    assert.deepEqual(pair.takeMessage(), [pattern(501, 2)]);
    pair.destroy();
    assertNothingUsed(pair.view);
  });
});

describe("without memory", () => {
  test("a writer says so, and goes on when there is some again", () => {
    const view = viewMemory();
    limitMemory(view, 2 * CHUNK_BYTES);
    const pair = new QueuePair({ view });
    const body = pattern(20_000, 5);
    let count = 0;
    pair.writer.beginMessage();
    while (pair.writer.writeFrame(0, body)) {
      pair.writer.completeMessages(1);
      count += 1;
    }
    assert.equal(pair.writer.outOfMemory, true);
    assert.equal(count, 6);
    assert.equal(pair.writer.ensureRoom(20_009), false);
    pair.writer.rollback();
    pair.writer.flush();
    for (let n = 0; n < count; n += 1) {
      assert.deepEqual(pair.takeMessage(), [body]);
    }
    pair.write(body);
    assert.equal(pair.writer.outOfMemory, false);
    pair.writer.flush();
    assert.deepEqual(pair.takeMessage(), [body]);
    pair.destroy();
    assertNothingUsed(view);
  });

  test("a pipe's first chunk and one behind it are guaranteed", () => {
    const view = viewMemory();
    limitMemory(view, 256);
    const pairs = [0, 1, 2].map(() => new QueuePair({ view }));
    for (const pair of pairs) pair.write(pattern(200, 1));
    for (const pair of pairs) pair.write(pattern(200, 1));
    const [pair] = pairs as [QueuePair];
    pair.writer.beginMessage();
    assert.equal(pair.writer.writeFrame(0, pattern(200, 1)), false);
    for (const pair of pairs) pair.destroy();
    assertNothingUsed(view);
  });

  test("a descriptor that was refused stays with the caller", () => {
    const view = viewMemory();
    const pair = new QueuePair({ view });
    const ref = view.memory.blocks.allocate(10);
    limitMemory(view, 256);
    pair.write(new Uint8Array(237));
    pair.write(new Uint8Array(237));
    pair.writer.beginMessage();
    assert.equal(pair.writer.writeDescriptor(0, ref, 0, 10), false);
    pair.writer.rollback();
    view.memory.blocks.release(ref);
    pair.destroy();
    assertNothingUsed(view);
  });

  test("a queue that nobody reads ends at about 2^30 bytes", () => {
    const view = viewMemory();
    const pair = new QueuePair({ view });
    const body = new Uint8Array(65_000);
    pair.writer.beginMessage();
    while (pair.writer.writeFrame(0, body)) pair.writer.completeMessages(1);
    assert.equal(pair.writer.outOfMemory, true);
    const held = header(view, H.MEMORY_USED) * 256;
    assert.ok(held > 2 ** 29 && held < 2 ** 30 * 1.02, `${held}`);
    pair.writer.flush();
    assert.equal(pair.takeMessage()?.[0]?.length, 65_000);
    assert.equal(pair.takeMessage()?.[0]?.length, 65_000);
    assert.equal(pair.writer.writeFrame(0, body), true, "room again");
    pair.destroy();
    assertNothingUsed(view);
  });
});

describe("messages written the short way", () => {
  for (const length of [1, 255, 256, 1000]) {
    test(`of ${length} bytes lie there as the others do`, () => {
      const pair = new QueuePair();
      const body = pattern(length, 7);
      // The first one opens a chunk, which is no short way.
      assert.equal(pair.writer.writeMessage(body), false);
      pair.write(body);
      for (let n = 0; n < 300; n += 1) {
        if (!pair.writer.writeMessage(body)) pair.write(body);
        pair.writer.flush();
        if (n === 0) assert.deepEqual(pair.takeMessage(), [body]);
        assert.deepEqual(pair.takeMessage(), [body]);
      }
      assert.equal(pair.writer.written, 301);
      pair.destroy();
      assertNothingUsed(pair.view);
    });
  }

  test("need credit, and tell the reader when they have none", () => {
    const pair = new QueuePair({ hwm: 2 });
    const body = pattern(10, 3);
    pair.write(body);
    assert.ok(pair.writer.writeMessage(body));
    assert.equal(pair.writer.writeMessage(body), false);
    pair.writer.flush();
    assert.ok(pair.take());
    assert.ok(pair.reader.countRead(1), "a writer waits");
    assert.ok(pair.writer.writeMessage(body));
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("leave nothing of bytes that cannot be copied", () => {
    const pair = new QueuePair();
    pair.write(pattern(10, 1));
    const gone = pattern(10, 2);
    // As one whose length was asked for before it was transferred.
    Object.defineProperty(gone, "length", { value: 10 });
    const buffer = gone.buffer as ArrayBuffer;
    structuredClone(buffer, { transfer: [buffer] });
    assert.throws(() => pair.writer.writeMessage(gone));
    assert.ok(pair.writer.writeMessage(pattern(10, 3)));
    pair.writer.flush();
    assert.deepEqual(pair.takeMessage(), [pattern(10, 1)]);
    assert.deepEqual(pair.takeMessage(), [pattern(10, 3)]);
    pair.destroy();
    assertNothingUsed(pair.view);
  });
});
