// The engine's write side while the socket's thread may have it: what happens
// in the midst of the borrower's call is done by a kernel that the test plays.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  closeFd,
  errnoNumber,
  openSocketPair,
  send,
} from "../../../ffi/mod.ts";
import {
  borrowWriteSide,
  giveWriteSideBack,
} from "../../../src/memory/write_side.ts";
import { LentWriteSide } from "../../../src/engine/lent_write_side.ts";
import { EngineStage } from "../../support/engine_stage.ts";
import { readAllTexts, readTexts, writeTexts } from "../../support/kernel.ts";
import { bytes, command, message } from "../../support/raw_zmtp.ts";
import { seededRandom } from "../../support/seed.ts";

const EAGAIN = -errnoNumber("EAGAIN");
const EBADF = -errnoNumber("EBADF");
const EPIPE = -errnoNumber("EPIPE");

type Send = typeof send;

/** An engine whose borrower's calls go through the test's function. */
class LendingStage extends EngineStage {
  /** Descriptors that were borrowed. */
  readonly borrowed: number[] = [];
  instead: Send = send;
  alive = true;

  constructor(bufferBytes?: number) {
    const calls: { stage: LendingStage | null } = { stage: null };
    super("DEALER", {
      ...(bufferBytes === undefined ? {} : { bufferBytes }),
      platform: {
        send: (fd, source, offset, length) => {
          calls.stage?.borrowed.push(fd);
          return (calls.stage?.instead ?? send)(fd, source, offset, length);
        },
        threadAlive: () => calls.stage?.alive ?? true,
      },
    });
    calls.stage = this;
    this.handshake("DEALER");
    // The first message finds no chunk yet, and goes through the queue.
    this.write(true, "first");
    this.turns();
    assert.deepEqual(this.take(), message("first"));
  }

  /** The application sends, after a rest or right behind another message. */
  write(rested: boolean, ...parts: string[]): void {
    this.io.thread.rested = rested;
    assert.ok(writeTexts(this.socket, ...parts));
  }

  get pipeRecord(): number {
    return this.socket.record;
  }
}

describe("engine: its write side is lent", () => {
  test("one message per rest passes by the queue, and the next ones follow it", () => {
    const s = new LendingStage();
    s.write(true, "direct", "parts");
    assert.deepEqual(s.take(), message("direct", "parts"));
    s.write(false, "queued");
    assert.equal(s.heard().length, 0, "it waits for the engine");
    s.write(true, "behind");
    assert.equal(s.heard().length, 0, "not before what is queued");
    s.turns();
    assert.deepEqual(s.take(), bytes(message("queued"), message("behind")));
    s.write(true, "direct again");
    assert.deepEqual(s.take(), message("direct again"));
    assert.equal(s.borrowed.length, 2);
    s.end();
  });

  test("a message that passed by uses neither credit nor memory", () => {
    const s = new LendingStage();
    const { writer } = s.socket;
    const before = { written: writer.written, used: s.io.kernel.counts() };
    for (let n = 0; n < 500; n += 1) {
      s.write(true, `${n}`.repeat(50));
      s.take();
    }
    assert.equal(writer.written, before.written);
    assert.deepEqual(s.io.kernel.counts(), before.used);
    assert.equal(s.borrowed.length, 500);
    s.end();
  });

  test("not before the handshake, and not what is large", async () => {
    const early = new EngineStage("DEALER");
    early.turns();
    assert.equal(early.socketPipe, null);
    early.end();
    const s = new LendingStage();
    s.write(true, "x".repeat(9000));
    s.write(true, "y".repeat(300_000));
    assert.deepEqual(s.borrowed, []);
    const size = 9009 + 300_009;
    await s.io.turnUntil(() => s.heard().length >= size, "all of it");
    assert.equal(s.take().length, size);
    s.end();
  });

  test("a kernel that takes n octets: the engine sends the rest, before a PONG", () => {
    const wire = bytes(message("head", "body"), message("next"));
    for (let n = 0; n < message("head", "body").length; n += 1) {
      const s = new LendingStage();
      s.instead = (fd, source, offset) =>
        n === 0 ? EAGAIN : send(fd, source, offset, n);
      s.write(true, "head", "body");
      assert.equal(s.heard().length, n);
      s.write(true, "next");
      s.say(command("PING", 0, 1, "ctx"));
      const pong = command("PONG", "ctx");
      const heard = s.take();
      // Between any two messages, but not inside of one.
      const whole = [
        bytes(pong, wire),
        bytes(message("head", "body"), pong, message("next")),
        bytes(wire, pong),
      ];
      assert.ok(
        whole.some((one) => `${one}` === `${heard}`),
        `after ${n} octets: ${heard}`,
      );
      if (n > 0) assert.notDeepEqual(heard, whole[0], "inside the message");
      s.instead = send;
      s.write(true, "direct");
      assert.deepEqual(s.take(), message("direct"), "lent again");
      s.end();
    }
  });

  test("PING that comes while somebody writes is answered behind it", () => {
    const s = new LendingStage();
    s.instead = (...call) => {
      s.say(command("PING", 0, 1, "ctx"));
      assert.equal(s.heard().length, 0, "the engine does not write");
      return send(...call);
    };
    s.write(true, "x");
    assert.deepEqual(s.take(), message("x"));
    s.turns();
    assert.deepEqual(s.take(), command("PONG", "ctx"));
    assert.equal(s.io.timers.size, 0, "nobody watches the borrower any more");
    s.end();
  });

  test("the same, when nothing or a part could be written", () => {
    for (const n of [0, 3]) {
      const s = new LendingStage();
      s.instead = (fd, source, offset) => {
        s.say(command("PING", 0, 1, "ctx"));
        return n === 0 ? EAGAIN : send(fd, source, offset, n);
      };
      s.write(true, "xyz");
      s.turns();
      const [m, pong] = [message("xyz"), command("PONG", "ctx")];
      const heard = `${s.take()}`;
      const allowed = [bytes(m, pong), ...(n === 0 ? [bytes(pong, m)] : [])];
      assert.ok(allowed.some((one) => `${one}` === heard), heard);
      s.end();
    }
  });

  test("many PINGs are answered within input, and the write side is lent again", () => {
    const s = new LendingStage();
    s.say(...Array.from({ length: 300 }, () => command("PING", 0, 1, "ctx")));
    s.turns();
    assert.equal(s.take().length, 300 * command("PONG", "ctx").length);
    s.write(true, "queued, or not");
    s.turns();
    assert.deepEqual(s.take(), message("queued, or not"));
    s.write(true, "direct");
    assert.deepEqual(s.take(), message("direct"));
    s.end();
  });

  test("a full socket buffer: every octet in order, direct or queued", async () => {
    const random = seededRandom("lending under pressure");
    const s = new LendingStage(4096);
    const wire: Uint8Array[] = [];
    let size = 0;
    const heard: Uint8Array[] = [];
    let heardSize = 0;
    for (let n = 0; n < 3000; n += 1) {
      const text = `${n} `.repeat(random.below(random.chance(0.1) ? 900 : 20));
      wire.push(message(text));
      size += message(text).length;
      s.write(random.chance(0.7), text);
      if (random.chance(0.3)) s.turns(1);
      if (random.chance(0.1)) {
        heard.push(s.take());
        heardSize += heard.at(-1)?.length ?? 0;
      }
    }
    await s.io.turnUntil(() => {
      heard.push(s.take());
      heardSize += heard.at(-1)?.length ?? 0;
      return heardSize >= size;
    }, "all of it");
    assert.ok(s.borrowed.length > 100, `${s.borrowed.length} went directly`);
    assert.deepEqual(bytes(...heard), bytes(...wire));
    s.end();
  });
});

describe("engine: it ends while its write side is lent", () => {
  test("to nobody: nothing is written to the descriptor any more", () => {
    const s = new LendingStage();
    s.engine.terminate();
    s.write(true, "late");
    assert.deepEqual(s.borrowed, []);
    s.expectClosed();
    s.end();
  });

  test("a peer that is gone: the message stays whole in the pipe", () => {
    for (const n of [0, 4]) {
      const s = new LendingStage();
      s.instead = (fd, source, offset, length) => {
        const sent = n === 0 ? 0 : send(fd, source, offset, n);
        s.hangUp();
        if (n > 0) return sent;
        const result = send(fd, source, offset, length);
        assert.equal(result, EPIPE);
        return result;
      };
      s.write(true, "not", "lost");
      s.turns();
      s.expectEnded(/^CONNECTION/);
      assert.ok(s.pipe !== null);
      s.pipe.reader.rewind();
      assert.deepEqual(readTexts(s.pipe), ["not", "lost"]);
      s.end();
    }
  });

  test("the descriptor stays taken until the borrower is through", () => {
    const s = new LendingStage();
    let result = 0;
    s.instead = (fd, source, offset, length) => {
      s.engine.terminate();
      const fds = new Int32Array(2);
      assert.equal(openSocketPair(fds), 0);
      assert.ok(!fds.includes(fd), "nobody else gets the number");
      for (const other of fds) closeFd(other);
      s.expectClosed();
      result = send(fd, source, offset, length);
      return result;
    };
    s.write(true, "x");
    assert.equal(result, EPIPE, "shut down, not closed");
    const [fd = -1] = s.borrowed;
    s.io.pass(100);
    assert.equal(send(fd, bytes("x"), 0, 1), EBADF, "closed now");
    s.end();
  });

  test("a borrower that died: the connection ends when the engine has to write", () => {
    const s = new LendingStage();
    const { words } = s.io.thread.control;
    const fd = borrowWriteSide(words, s.pipeRecord, 1);
    assert.ok(fd >= 0);
    s.io.pass(1000);
    assert.deepEqual(s.ends, [], "nobody misses it");
    s.say(command("PING", 0, 1, "ctx"));
    s.io.pass(100);
    assert.deepEqual(s.ends, [], "it may only be slow");
    s.alive = false;
    s.io.pass(100);
    s.expectEnded(/^CONNECTION: .*died/);
    assert.equal(send(fd, bytes("x"), 0, 1), EBADF);
    s.end();
  });

  test("a borrower that died: the descriptor is closed all the same", () => {
    const s = new LendingStage();
    const { words } = s.io.thread.control;
    const fd = borrowWriteSide(words, s.pipeRecord, 1);
    s.hangUp();
    s.turns();
    assert.equal(s.ends.length, 1);
    for (let n = 0; n < 3; n += 1) s.io.pass(100);
    assert.equal(send(fd, bytes("x"), 0, 1), EPIPE, "still there");
    s.alive = false;
    s.io.pass(100);
    assert.equal(send(fd, bytes("x"), 0, 1), EBADF);
    assert.equal(s.io.timers.size, 0);
    s.end();
  });

  test("a worker that stops leaves what is lent, and closes what is not", () => {
    for (const back of [true, false]) {
      const s = new LendingStage();
      const { words } = s.io.thread.control;
      const record = s.pipeRecord;
      const fd = borrowWriteSide(words, record, 1);
      const hooks: (() => void)[] = [];
      s.io.onStop = (hook) => void hooks.push(hook);
      s.engine.terminate();
      assert.equal(hooks.length, 1);
      if (back) giveWriteSideBack(words, record, 0);
      for (const hook of hooks) hook();
      assert.equal(send(fd, bytes("x"), 0, 1), back ? EBADF : EPIPE);
      if (!back) giveWriteSideBack(words, record, 0);
      s.io.pass(100);
      assert.equal(send(fd, bytes("x"), 0, 1), EBADF);
      s.end();
    }
  });

  test("the next engine waits for who still writes to the one before it", () => {
    for (const dies of [true, false]) {
      const s = new LendingStage();
      const { thread } = s.io;
      const { words } = thread.control;
      const record = s.pipeRecord;
      const former = borrowWriteSide(words, record, 1);
      s.engine.terminate();
      const fds = new Int32Array(2);
      assert.equal(openSocketPair(fds), 0);
      const [mine = -1, peer = -1] = fds;
      const lost: boolean[] = [];
      const next = new LentWriteSide(s.io, mine, (isOurs) => {
        lost.push(isOurs);
      });
      next.attach(record);
      assert.equal(next.reclaim(), -1);
      if (dies) {
        s.alive = false;
        s.io.pass(100);
        assert.deepEqual(lost, [false], "not of this connection");
      } else {
        // Octets that went to the connection before count for nothing here.
        assert.equal(giveWriteSideBack(words, record, 5), true);
        s.io.pass(100);
      }
      assert.equal(next.reclaim(), 0);
      assert.equal(send(former, bytes("x"), 0, 1), EBADF);
      next.offer();
      assert.equal(borrowWriteSide(words, record, 1), mine);
      giveWriteSideBack(words, record, 5);
      assert.equal(next.reclaim(), 5);
      next.detach();
      next.close();
      closeFd(peer);
      assert.equal(s.io.timers.size, 0);
      s.end();
    }
  });

  test("a number that came again brings nothing of its former life along", () => {
    const s = new LendingStage();
    const { words } = s.io.thread.control;
    const record = s.pipeRecord;
    const fd = borrowWriteSide(words, record, 1);
    s.engine.terminate();
    giveWriteSideBack(words, record, 5);
    s.io.pass(100);
    const next = new LentWriteSide(s.io, fd, () => {});
    next.attach(record);
    assert.equal(next.reclaim(), 0);
    next.detach();
    s.end();
  });

  test("messages that came while it was lent are read", () => {
    const s = new LendingStage();
    s.instead = (...call) => {
      s.say(message("in"));
      return send(...call);
    };
    s.write(true, "out");
    assert.deepEqual(readAllTexts(s.socket), [["in"]]);
    assert.deepEqual(s.take(), message("out"));
    s.end();
  });
});
