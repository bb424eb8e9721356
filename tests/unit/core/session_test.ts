import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { put, store } from "../../../src/memory/shared_access.ts";
import { OWN, OwnKind } from "../../../src/memory/layout.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { defaultOptions } from "../../../src/base/options.ts";
import type { SocketOptions } from "../../../src/base/options.ts";
import { Command } from "../../../src/core/command.ts";
import { storeArguments } from "../../../src/core/launch_arguments.ts";
import { createChildRecord } from "../../../src/core/own.ts";
import { createPipePair, Pipe } from "../../../src/core/pipe.ts";
import { Session } from "../../../src/core/session.ts";
import { EngineEnd } from "../../../src/core/transport.ts";
import type {
  Engine,
  SessionPort,
  Transport,
} from "../../../src/core/transport.ts";
import { FakeIo } from "../../support/fake_io.ts";
import {
  Kernel,
  NOTHING_ALIVE,
  readAllTexts,
  SinkLog,
  writeTexts,
} from "../../support/kernel.ts";

/** An engine that writes down what it is told, and never ends by itself. */
class FakeEngine implements Engine {
  readonly calls: string[] = [];
  plug(): void {
    this.calls.push("plug");
  }
  restartOutput(): void {
    this.calls.push("restartOutput");
  }
  restartInput(): void {
    this.calls.push("restartInput");
  }
  pipeTerminated(): void {
    this.calls.push("pipeTerminated");
  }
  terminate(): void {
    this.calls.push("terminate");
  }
}

/** A connecting session of a socket on another thread. */
class Stage {
  readonly kernel = new Kernel();
  readonly app = this.kernel.thread();
  readonly io: FakeIo;
  readonly sink = new SinkLog();
  readonly pipe: Pipe;
  readonly child: number;
  /** What the session told its owner. */
  toOwner = 0;
  /** Attempts to connect: whether each was to wait first. */
  readonly attempts: boolean[] = [];
  connecters = 0;
  port: SessionPort | null = null;

  constructor(options: Partial<SocketOptions> = {}) {
    const transport = {
      protocols: ["tcp"],
      connect: (_io: unknown, session: SessionPort, wait: boolean) => {
        this.port = session;
        this.attempts.push(wait);
        this.connecters += 1;
        return { close: () => this.connecters -= 1 };
      },
    } as unknown as Transport;
    this.io = new FakeIo(transport, this.kernel);
    const { app } = this;
    this.child = createChildRecord(app, {
      kind: OwnKind.SESSION,
      mailbox: this.io.thread.mailbox,
      ownerMailbox: app.mailbox,
      socket: 0,
    });
    const { words } = this.kernel.control;
    const record = createPipePair(app.memory, [
      app.mailbox,
      this.io.thread.mailbox,
    ], {
      firstSend: 10,
      secondReceive: -1,
      secondSend: -1,
      firstReceive: 10,
      flags: 0,
    });
    put(words, this.child + OWN.PIPE, record);
    put(
      words,
      this.child + OWN.ARGUMENTS,
      storeArguments(app.memory, {
        protocol: "tcp",
        endpoint: "tcp://127.0.0.1:1",
        options: { ...defaultOptions(SocketType.PUSH), ...options },
      }),
    );
    this.pipe = new Pipe(app, record, 0, this.sink);
    app.register(this.child + OWN.TO_OWNER, {
      processCommands: (bits) => this.toOwner |= bits,
    });
    this.io.thread.onUnknown = (_node, bits) => {
      new Session(this.io, this.child).processCommands(bits);
    };
    put(words, this.child + OWN.SENT_SEQNUM, 1);
    this.kernel.control.post(this.child + OWN.NODE, Command.PLUG);
  }

  /** The owner closes the pipe and tells the session to die, as a socket. */
  close(linger: number): void {
    this.pipe.terminate(false);
    store(this.kernel.control.words, this.child + OWN.LINGER, linger);
    this.kernel.control.post(this.child + OWN.NODE, Command.TERM);
  }

  get dead(): boolean {
    return (this.toOwner & Command.TERM_ACK) !== 0;
  }

  expectGone(): void {
    assert.ok(this.dead, "the session acknowledged its end");
    assert.equal(this.sink.count("pipeTerminated"), 1);
    assert.equal(this.connecters, 0);
    assert.deepEqual(this.kernel.counts(), { ...NOTHING_ALIVE, owned: 1 });
    this.io.stop();
  }
}

describe("session: its end while it connects", () => {
  test("without linger it goes at once, connecter and messages too", () => {
    const s = new Stage();
    writeTexts(s.pipe, "lost");
    s.kernel.settle();
    assert.deepEqual(s.attempts, [false]);
    s.close(0);
    s.kernel.settle();
    s.expectGone();
  });

  test("a linger of so many ms gives the connection that long", () => {
    const s = new Stage();
    writeTexts(s.pipe, "lost");
    s.kernel.settle();
    s.close(200);
    s.kernel.settle();
    s.io.pass(199);
    assert.equal(s.dead, false);
    s.io.pass(1);
    s.kernel.settle();
    s.expectGone();
  });

  test("nothing queued: nothing to linger for", () => {
    const s = new Stage();
    s.kernel.settle();
    s.close(-1);
    s.kernel.settle();
    s.expectGone();
  });

  test("connect, send and close before the I/O thread runs: the message waits for its linger", () => {
    const s = new Stage();
    writeTexts(s.pipe, "kept");
    // PLUG and TERM reach the session together, the pipe's end after them.
    s.close(-1);
    s.kernel.settle();
    // TERM was put off to the next turn.
    s.io.pass(0);
    s.kernel.settle();
    assert.equal(s.dead, false, "the message is still to be delivered");
    const pipe = s.port?.pipe as Pipe;
    assert.deepEqual(readAllTexts(pipe), [["kept"]]);
    // What the kernel accepted is committed by the engine.
    pipe.reader.commit();
    assert.equal(pipe.checkRead(), false);
    s.kernel.settle();
    s.expectGone();
  });

  test("with no way back, what is queued is not waited for", () => {
    const s = new Stage({ reconnectInterval: -1 });
    writeTexts(s.pipe, "hopeless");
    s.kernel.settle();
    // The connecter has let go of everything by then.
    s.connecters = 0;
    s.port?.gaveUp();
    s.close(-1);
    s.kernel.settle();
    s.expectGone();
  });

  test("with no way back after it was told to die", () => {
    const s = new Stage({ reconnectInterval: -1 });
    writeTexts(s.pipe, "hopeless");
    s.kernel.settle();
    s.port?.attach(new FakeEngine());
    s.close(-1);
    s.kernel.settle();
    assert.equal(s.dead, false);
    s.connecters = 0;
    s.port?.engineError(EngineEnd.CONNECTION, "gone");
    s.kernel.settle();
    s.expectGone();
  });
});

describe("session: its engine", () => {
  function attached(options: Partial<SocketOptions> = {}) {
    const s = new Stage(options);
    s.kernel.settle();
    const engine = new FakeEngine();
    s.port?.attach(engine);
    s.connecters = 0;
    return { s, engine, port: s.port as SessionPort };
  }

  test("is woken by messages, and ended with the session", () => {
    const { s, engine, port } = attached();
    assert.ok(port.pipe?.checkRead() === false);
    writeTexts(s.pipe, "x");
    s.kernel.settle();
    assert.deepEqual(engine.calls, ["plug", "restartOutput"]);
    s.close(0);
    s.kernel.settle();
    assert.equal(engine.calls.at(-1), "terminate");
    s.expectGone();
  });

  test("after a broken connection a new one is tried, with the wait first", () => {
    const { s, port } = attached();
    port.engineError(EngineEnd.CONNECTION, "reset");
    assert.deepEqual(s.attempts, [false, true]);
    s.close(0);
    s.kernel.settle();
    s.expectGone();
  });

  test("after a breach of the protocol it asks its owner to end it", () => {
    const { s, port } = attached();
    port.engineError(EngineEnd.PROTOCOL, "nonsense");
    s.kernel.settle();
    assert.equal(s.toOwner, Command.TERM_REQ);
    assert.deepEqual(s.attempts, [false]);
    s.close(0);
    s.kernel.settle();
    s.expectGone();
  });

  test("without a reconnect interval it gives its endpoint up", () => {
    const { s, port } = attached({ reconnectInterval: -1 });
    port.engineError(EngineEnd.CONNECTION, "reset");
    s.kernel.settle();
    assert.equal(s.toOwner, Command.TERM_ENDPOINT);
    s.close(0);
    s.kernel.settle();
    s.expectGone();
  });

  test("what a broken connection left unfinished is taken back", () => {
    const { s, port } = attached();
    const pipe = port.pipe as Pipe;
    pipe.writer.beginMessage();
    pipe.writer.writeFrame(1, Uint8Array.of(1, 2, 3));
    port.engineError(EngineEnd.CONNECTION, "reset");
    writeTexts(pipe, "whole");
    s.kernel.settle();
    assert.deepEqual(readAllTexts(s.pipe), [["whole"]]);
    s.close(0);
    s.kernel.settle();
    s.expectGone();
  });
});
