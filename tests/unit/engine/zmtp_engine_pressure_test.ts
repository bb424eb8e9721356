import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, shutdownSocket } from "../../../ffi/mod.ts";
import { EngineBuffers } from "../../../src/engine/engine_buffers.ts";
import { EngineStage } from "../../support/engine_stage.ts";
import { readAllTexts, readTexts, writeTexts } from "../../support/kernel.ts";
import { bytes, message } from "../../support/raw_zmtp.ts";

/** Text of messages with the sequence numbers from `from` on. */
function numbered(count: number, from = 0): string[][] {
  return Array.from({ length: count }, (_, n) => [`message ${from + n}`]);
}

describe("engine: back-pressure", () => {
  test("stops reading when the pipe is full, and goes on when it is read", () => {
    const s = new EngineStage("PULL", { receiveMark: 10, bufferBytes: 16384 });
    s.handshake("PUSH");
    const wire = bytes(...numbered(10_000).map((parts) => message(...parts)));
    let offered = 0;
    const offer = (): boolean => {
      const before = offered;
      if (offered < wire.length) offered += s.offer(wire.subarray(offered));
      s.turns(1);
      return offered > before;
    };
    while (offer());
    assert.ok(offered < wire.length, "the peer is held up by the kernel");
    const all: string[][] = [];
    for (let round = 0; round < 20_000 && all.length < 10_000; round += 1) {
      all.push(...readAllTexts(s.socket));
      offer();
    }
    assert.deepEqual(all, numbered(10_000));
    assert.deepEqual(s.ends, []);
    s.end();
  });

  test("never more in the pipe than its mark", () => {
    const s = new EngineStage("PULL", { receiveMark: 10 });
    s.handshake("PUSH");
    s.say(...numbered(100).map((parts) => message(...parts)));
    // One is read at a time, and no turn is given between.
    const read: (string[] | null)[] = [];
    while (s.socket.checkRead()) read.push(readTexts(s.socket));
    assert.deepEqual(read, numbered(10));
    s.end();
  });

  test("engines that share a scratch do not touch each other's rest", () => {
    const buffers = new EngineBuffers();
    const stages = [3, 7].map((receiveMark) => {
      const s = new EngineStage("PULL", { receiveMark, buffers });
      s.handshake("PUSH");
      return s;
    });
    const all: string[][][] = stages.map(() => []);
    for (let round = 0; round < 40; round += 1) {
      for (const [index, s] of stages.entries()) {
        // The last message comes in two pieces: its beginning is a rest, too.
        const texts = numbered(20, 1000 * index + 20 * round);
        const wire = bytes(...texts.map((parts) => message(...parts)));
        const cut = wire.length - 1 - round % 9;
        s.say(wire.subarray(0, cut));
        all[index]?.push(...readAllTexts(s.socket));
        s.say(wire.subarray(cut));
      }
    }
    for (const [index, s] of stages.entries()) {
      while (s.socket.checkRead()) {
        all[index]?.push(...readAllTexts(s.socket));
        s.turns(1);
      }
      assert.deepEqual(all[index], numbered(800, 1000 * index));
      assert.deepEqual(s.ends, []);
      s.end();
    }
  });

  test("an engine that ends leaves nothing in the scratch", () => {
    const buffers = new EngineBuffers();
    const first = new EngineStage("PULL", { receiveMark: 1, buffers });
    first.handshake("PUSH");
    first.say(message("1"), message("2"), message("3"));
    first.end();
    const second = new EngineStage("PULL", { buffers });
    second.handshake("PUSH");
    second.say(message("other"));
    assert.deepEqual(readAllTexts(second.socket), [["other"]]);
    second.end();
  });

  test("a peer that goes meanwhile: all it sent is read, then the end", () => {
    const s = new EngineStage("PULL", { receiveMark: 3 });
    s.handshake("PUSH");
    for (let n = 0; n < 3; n += 1) {
      s.say(...numbered(400, 400 * n).map((parts) => message(...parts)));
    }
    s.hangUp();
    s.turns();
    assert.deepEqual(s.ends, [], "not before what was sent is read");
    const all: string[][] = [];
    for (let round = 0; round < 3000 && s.ends.length === 0; round += 1) {
      all.push(...readAllTexts(s.socket));
      s.turns(1);
    }
    all.push(...readAllTexts(s.socket));
    assert.deepEqual(all, numbered(1200));
    s.expectEnded(/^CONNECTION/);
    s.end();
  });

  test("a peer that only stops sending is still served", () => {
    const s = new EngineStage("DEALER", { receiveMark: 1 });
    s.handshake("DEALER");
    s.say(message("1"), message("2"));
    shutdownSocket(s.peer, constants.SHUT_WR);
    s.turns();
    writeTexts(s.socket, "out");
    s.socket.flush();
    s.turns();
    assert.deepEqual(s.take(), message("out"));
    assert.deepEqual(s.ends, []);
    s.end();
  });

  test("a slow reader gets every message whole, and the engine waits for it", async () => {
    const s = new EngineStage("PUSH", { bufferBytes: 8192 });
    s.handshake("PULL");
    const sent: Uint8Array[] = [];
    for (let n = 0; n < 300; n += 1) {
      const parts = [`${n}`, "y".repeat(n * 7)];
      assert.ok(writeTexts(s.socket, ...parts));
      sent.push(message(...parts));
    }
    s.socket.flush();
    const wanted = bytes(...sent);
    s.turns();
    assert.deepEqual(s.ends, []);
    await s.io.turnUntil(
      () => s.heard().length >= wanted.length,
      "all messages",
    );
    assert.deepEqual(s.take(), wanted);
    s.end();
  });
});

/** Offers what is left of a message that is too large for the context. */
function offerTooMuch(s: EngineStage): void {
  const piece = new Uint8Array(65536);
  s.say(2, 0, 0, 0, 0, 4, 0, 0, 0);
  for (let n = 0; n < 1024 && s.offer(piece) > 0; n += 1) s.turns(1);
  s.turns();
}

describe("engine: without memory", () => {
  const context = { memoryLimit: 1024 * 1024 };

  test("a message that cannot be finished ends the connection in a second", () => {
    const s = new EngineStage("PULL", { context });
    s.handshake("PUSH");
    offerTooMuch(s);
    assert.deepEqual(s.ends, []);
    assert.equal(s.io.timers.size, 1);
    s.io.pass(999);
    assert.deepEqual(s.ends, []);
    s.io.pass(1);
    s.expectEnded(/^CONNECTION: .*ENOMEM/);
    s.expectClosed();
    s.end();
  });

  for (const parts of [[10_000], [300_000], [5, 100_000], [90_000, 100_000]]) {
    const all = parts.join(" and ");
    test(`a message of ${all} octets comes in once all before it was read`, () => {
      const s = new EngineStage("PULL", { context, bufferBytes: 1 << 20 });
      s.handshake("PUSH");
      s.say(message("first"));
      const giveBack = s.io.kernel.hogMemory();
      const texts = parts.map((length) => "x".repeat(length));
      s.say(message(...texts), message(...texts));
      assert.deepEqual(readTexts(s.socket), ["first"]);
      for (const _ of ["first", "second"]) {
        // What they took came free, and is gone at once.
        const giveMore = s.io.kernel.hogMemory();
        s.turns();
        assert.ok(s.socket.checkRead(), "no time has to pass");
        assert.deepEqual(readTexts(s.socket), texts);
        giveMore();
      }
      assert.deepEqual(s.ends, []);
      giveBack();
      s.end();
    });
  }

  test("patience lasts as long as messages come through", () => {
    const s = new EngineStage("PULL", { context, bufferBytes: 4 << 20 });
    s.handshake("PUSH");
    // Larger than what may pass the limit.
    const text = "x".repeat(600_000);
    let giveBack = s.io.kernel.hogMemory();
    s.say(message(text), message(text), message(text));
    for (let n = 0; n < 2; n += 1) {
      s.io.pass(600);
      giveBack();
      s.turns();
      assert.deepEqual(readTexts(s.socket), [text]);
      giveBack = s.io.kernel.hogMemory();
      s.io.pass(600);
      assert.deepEqual(s.ends, [], `after ${n + 1} messages`);
    }
    s.io.pass(1000);
    s.io.pass(1000);
    s.expectEnded(/^CONNECTION: .*ENOMEM/);
    giveBack();
    s.end();
  });

  test("patience lasts as long as there is something to read", () => {
    const s = new EngineStage("PULL", { context });
    s.handshake("PUSH");
    s.say(message("first"));
    offerTooMuch(s);
    s.io.pass(5000);
    assert.deepEqual(s.ends, [], "its reader may free some");
    assert.deepEqual(readTexts(s.socket), ["first"]);
    // Nobody tells the engine, which has begun to wait anew meanwhile.
    s.io.pass(1000);
    s.io.pass(999);
    assert.deepEqual(s.ends, []);
    s.io.pass(1);
    s.expectEnded(/^CONNECTION: .*ENOMEM/);
    s.end();
  });
});
