import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HANDSHAKE_INTERVAL_MS_DEFAULT } from "../../../src/base/limits.ts";
import { choosePoller } from "../../../src/poller/choose_poller.ts";
import { EngineStage } from "../../support/engine_stage.ts";
import { testUnless } from "../../support/skip.ts";
import { readAllTexts, writeTexts } from "../../support/kernel.ts";
import {
  bytes,
  command,
  frame,
  greeting,
  message,
  MORE,
  ready,
} from "../../support/raw_zmtp.ts";

describe("engine: handshake", () => {
  test("greets without being asked, and gets ready when greeted", () => {
    const s = new EngineStage("DEALER", {
      options: { routingId: bytes("me") },
    });
    assert.equal(s.heard().length, 0, "never from within plug()");
    s.turns();
    assert.equal(s.take().length, 64);
    s.say(greeting());
    assert.deepEqual(s.take(), ready("DEALER", "me"));
    assert.equal(s.readyPeers.length, 0);
    s.say(ready("ROUTER", "you"));
    assert.deepEqual(s.readyPeers, [bytes("you")]);
    s.end();
  });

  test("octet by octet, and with traffic right behind it", () => {
    const s = new EngineStage("PULL");
    const wire = bytes(greeting(), ready("PUSH"), message("a", "b"));
    for (const octet of wire) s.say(octet);
    assert.deepEqual(readAllTexts(s.socket), [["a", "b"]]);
    s.end();
    const atOnce = new EngineStage("PULL");
    atOnce.say(wire, message("c"));
    assert.deepEqual(readAllTexts(atOnce.socket), [["a", "b"], ["c"]]);
    atOnce.end();
  });

  test("has its time, which no octet prolongs", () => {
    const s = new EngineStage("PULL", { options: { handshakeInterval: 500 } });
    s.say(greeting());
    for (let n = 0; n < 4; n += 1) {
      s.io.pass(100);
      s.say(ready("PUSH").slice(n, n + 1));
    }
    s.io.pass(99);
    assert.deepEqual(s.ends, []);
    s.io.pass(1);
    s.expectEnded(/^TIMEOUT: .*500 ms/);
    s.expectClosed();
    s.end();
  });

  test("has 30 seconds unless told otherwise, and with 0 no bound", () => {
    const usual = new EngineStage("PULL");
    usual.io.pass(HANDSHAKE_INTERVAL_MS_DEFAULT - 1);
    assert.deepEqual(usual.ends, []);
    usual.io.pass(1);
    usual.expectEnded(/^TIMEOUT/);
    usual.end();
    const patient = new EngineStage("PULL", {
      options: { handshakeInterval: 0 },
    });
    assert.equal(patient.io.timers.size, 0);
    patient.io.pass(1e9);
    patient.handshake("PUSH");
    patient.end();
  });

  test("that is done is not timed any more", () => {
    const s = new EngineStage("PULL", { options: { handshakeInterval: 500 } });
    s.handshake("PUSH");
    assert.equal(s.io.timers.size, 0);
    s.io.pass(500);
    s.say(message("x"));
    assert.deepEqual(readAllTexts(s.socket), [["x"]]);
    s.end();
  });

  test("with a stranger ends for good", () => {
    const s = new EngineStage("PULL");
    s.say("GET / HTTP/1.1\r\n\r\n");
    s.expectEnded(/^PROTOCOL: does not greet/);
    s.end();
  });

  test("with an unsuitable type says ERROR before it closes", () => {
    const s = new EngineStage("PULL");
    s.say(greeting(), ready("SUB"));
    s.expectEnded(/^PROTOCOL/);
    const said = s.heard().slice(64);
    const mine = ready("PULL");
    assert.deepEqual(said.slice(0, mine.length), mine);
    assert.deepEqual(
      said.slice(mine.length + 2, mine.length + 8),
      bytes(
        5,
        "ERROR",
      ),
    );
    s.expectClosed();
    assert.equal(s.readyPeers.length, 0);
    s.end();
  });

  test("the peer that goes in its midst may be back later", () => {
    for (const count of [0, 1, 64, 80]) {
      const s = new EngineStage("PULL");
      s.turns();
      if (count > 0) s.say(bytes(greeting(), ready("PUSH")).slice(0, count));
      s.hangUp();
      s.turns();
      s.expectEnded(/^CONNECTION/);
      s.end();
    }
  });

  test("a context without room for the pipe closes the connection", () => {
    const s = new EngineStage("PULL");
    s.hasRoom = false;
    s.say(greeting(), ready("PUSH"));
    s.expectEnded(/^CONNECTION: .*no room/);
    s.expectClosed();
    s.end();
  });
});

/** See the contract of pollers: they may, and need not. */
const tellsOfBrokenOnes = choosePoller().kind === "epoll";

describe("engine: its end", () => {
  test("a descriptor that cannot be watched: told later, not within plug()", () => {
    const s = new EngineStage("PULL", { isBlind: true });
    assert.deepEqual(s.ends, []);
    s.turns();
    s.expectEnded(/^CONNECTION: cannot watch: ENOMEM/);
    s.expectClosed();
    s.end();
  });

  test("what came before the peer's end is delivered, what is half is not", () => {
    const s = new EngineStage("PULL");
    s.handshake("PUSH");
    s.offer(bytes(message("a"), message("b", "c"), frame(MORE, "half")));
    s.offer(bytes(0, 10, "of one"));
    s.hangUp();
    s.turns();
    s.expectEnded(/^CONNECTION: closed by the peer/);
    assert.deepEqual(readAllTexts(s.socket), [["a"], ["b", "c"]]);
    s.end();
  });

  test("a breach of the protocol ends it; what came before stays", () => {
    const s = new EngineStage("PULL");
    s.handshake("PUSH");
    s.say(message("good"), 0x08, 0);
    s.expectEnded(/^PROTOCOL: set a reserved bit/);
    s.expectClosed();
    assert.deepEqual(readAllTexts(s.socket), [["good"]]);
    s.end();
  });

  test("terminate() closes and tells nobody, in any state", () => {
    for (const step of [0, 1, 2]) {
      const s = new EngineStage("PULL");
      if (step > 0) s.turns();
      if (step > 1) s.handshake("PUSH");
      s.engine.terminate();
      s.engine.terminate();
      s.turns();
      assert.deepEqual(s.ends, []);
      s.expectClosed();
      s.end();
    }
  });

  test("without a pipe nothing is read, and the peer is not told", () => {
    const s = new EngineStage("PULL");
    s.handshake("PUSH");
    s.socket.terminate(false);
    s.io.kernel.settle();
    assert.equal(s.pipe, null);
    s.offer(message("for nobody"));
    s.turns();
    assert.deepEqual(s.ends, []);
    s.heard();
    assert.equal(s.peerSawEnd, false);
    s.end();
  });

  testUnless(
    tellsOfBrokenOnes ? null : "this poller is silent without interest",
    "without a pipe a broken connection ends it",
    () => {
      const s = new EngineStage("PULL");
      s.handshake("PUSH");
      s.socket.terminate(false);
      s.io.kernel.settle();
      s.hangUp();
      s.turns();
      s.expectEnded(/^CONNECTION/);
      s.end();
    },
  );
});

describe("engine: traffic", () => {
  test("messages go both ways", () => {
    const s = new EngineStage("DEALER");
    s.handshake("DEALER");
    for (let n = 0; n < 3; n += 1) {
      writeTexts(s.socket, "out", `${n}`);
      s.socket.flush();
      s.say(message("in", `${n}`));
      assert.deepEqual(s.take(), message("out", `${n}`));
      assert.deepEqual(readAllTexts(s.socket), [["in", `${n}`]]);
    }
    s.end();
  });

  test("PING is answered with its context, also while a message is half in", () => {
    const s = new EngineStage("PULL");
    s.handshake("PUSH");
    for (const context of ["", "ctx", "x".repeat(16)]) {
      s.say(command("PING", 0, 100, context));
      assert.deepEqual(s.take(), command("PONG", context));
    }
    s.say(frame(MORE, "a"), command("PING", 0, 0, "mid"));
    assert.deepEqual(s.take(), command("PONG", "mid"));
    s.say(frame(0, "b"), command("PONG", "no answer"), command("WHATEVER"));
    assert.deepEqual(s.take(), bytes());
    assert.deepEqual(readAllTexts(s.socket), [["a", "b"]]);
    s.end();
  });

  test("every PING of many in one read is answered, in order", () => {
    const s = new EngineStage("PULL");
    s.handshake("PUSH");
    const contexts = Array.from({ length: 500 }, (_, n) => `ping ${n}`);
    s.say(...contexts.map((context) => command("PING", 0, 1, context)));
    assert.deepEqual(
      s.take(),
      bytes(...contexts.map((context) => command("PONG", context))),
    );
    s.end();
  });

  test("PING with a context too long, or without its time, ends it", () => {
    for (const data of [[0, 1, "x".repeat(17)], [0]]) {
      const s = new EngineStage("PULL");
      s.handshake("PUSH");
      s.say(command("PING", ...data));
      s.expectEnded(/^PROTOCOL/);
      s.end();
    }
  });

  test("PONG never goes into the midst of a message", async () => {
    const s = new EngineStage("DEALER", { bufferBytes: 8192 });
    s.handshake("DEALER");
    const large = "x".repeat(300_000);
    writeTexts(s.socket, "head", large);
    s.socket.flush();
    s.turns();
    s.say(command("PING", 0, 1, "ctx"));
    const wanted = bytes(message("head", large), command("PONG", "ctx"));
    await s.io.turnUntil(
      () => s.heard().length >= wanted.length,
      "all of the message and the PONG",
    );
    assert.deepEqual(s.take(), wanted);
    s.end();
  });

  test("a peer that sends PINGs and does not read gets no more PONGs", () => {
    const s = new EngineStage("PULL", { bufferBytes: 8192 });
    s.handshake("PUSH");
    const ping = command("PING", 0, 1, "x".repeat(16));
    // More answers than the kernel has room for.
    for (let n = 0; n < 3000; n += 1) {
      assert.equal(s.offer(ping), ping.length, "it reads on");
      s.turns(1);
    }
    const held = s.heard().length;
    assert.ok(held > 0 && held < 3000 * 23, `${held} octets in the kernel`);
    s.turns(100);
    const late = s.heard().length - held;
    assert.ok(late <= 1024 + 23, `${late} octets of PONGs were held back`);
    assert.equal(s.take().length % 23, 0, "whole PONGs");
    assert.deepEqual(s.ends, []);
    s.end();
  });

  test("a PUB hears subscriptions of 3.1 and of older peers", () => {
    for (
      const [minor, sub, cancel] of [
        [1, command("SUBSCRIBE", "x"), command("CANCEL", "x")],
        [0, message("\x01x"), message("\x00x")],
      ] as const
    ) {
      const s = new EngineStage("XPUB");
      s.handshake("SUB", { minor });
      s.say(sub, cancel);
      assert.deepEqual(readCommands(s), ["\x09SUBSCRIBEx", "\x06CANCELx"]);
      s.end();
    }
  });

  test("a SUB speaks so, and to older peers by messages", () => {
    for (
      const [minor, wanted] of [
        [1, bytes(command("SUBSCRIBE", "x"), command("CANCEL", "x"))],
        [0, message("\x01x")],
      ] as const
    ) {
      const s = new EngineStage("SUB");
      s.handshake("PUB", { minor });
      s.socket.writeCommand(bytes("\x09SUBSCRIBEx"));
      s.socket.writeCommand(bytes("\x06CANCELx"));
      s.turns();
      const expected = minor === 1 ? wanted : bytes(wanted, message("\x00x"));
      assert.deepEqual(s.take(), expected);
      s.end();
    }
  });
});

/** Bodies of the commands in the socket's pipe. */
function readCommands(s: EngineStage): string[] {
  const found: string[] = [];
  while (s.socket.checkRead()) {
    assert.equal(s.socket.frameFlags & 4, 4, "a command");
    found.push(new TextDecoder().decode(s.socket.takePart()));
  }
  return found;
}
