// A real engine on one end of a connected pair of sockets; the test is its
// session, its socket, and the peer at the other end.
import assert from "node:assert/strict";
import {
  closeFd,
  constants,
  errnoNumber,
  openSocketPair,
  receive,
  send,
  setSockOptInt,
} from "../../ffi/mod.ts";
import { defaultOptions } from "../../src/base/options.ts";
import type { SocketOptions } from "../../src/base/options.ts";
import { SocketType } from "../../src/base/socket_type.ts";
import type { SocketTypeName } from "../../src/base/socket_type.ts";
import type { CtxOptions } from "../../src/core/ctx_options.ts";
import { createPipePair, Pipe } from "../../src/core/pipe.ts";
import type { CorePlatform } from "../../src/core/platform.ts";
import { EngineEnd } from "../../src/core/transport.ts";
import type { SessionPort } from "../../src/core/transport.ts";
import { EngineBuffers } from "../../src/engine/engine_buffers.ts";
import { ZmtpEngine } from "../../src/engine/zmtp_engine.ts";
import { FakeIo } from "./fake_io.ts";
import { Kernel, NOTHING_ALIVE, SinkLog } from "./kernel.ts";
import { bytes, greeting, ready } from "./raw_zmtp.ts";

const EAGAIN = -errnoNumber("EAGAIN");
const ECONNRESET = -errnoNumber("ECONNRESET");
const END_NAMES = Object.keys(EngineEnd);

/** What may be unusual about a stage. */
export interface EngineStageOptions {
  options?: Partial<SocketOptions>;
  /** Messages that the socket queues before it stops the engine. */
  receiveMark?: number;
  /** Octets of the kernel's buffers, about. */
  bufferBytes?: number;
  /** Options of the context. */
  context?: Partial<CtxOptions>;
  /** What of the system is different. */
  platform?: Partial<CorePlatform>;
  /** Shared with other engines, as in one I/O worker. */
  buffers?: EngineBuffers;
  /** The poller has no memory left to watch anything. */
  isBlind?: boolean;
}

/** An engine, and everything around it. */
export class EngineStage implements SessionPort {
  readonly io: FakeIo;
  readonly options: SocketOptions;
  readonly endpoint = "";
  readonly engine: ZmtpEngine;
  reconnectIntervalMs = 0;
  /** The session's end of the pipe; the other one is the socket's. */
  pipe: Pipe | null = null;
  socketPipe: Pipe | null = null;
  readonly socketSink: SinkLog = new SinkLog();
  /** Routing ids of peers that were ready. */
  readonly readyPeers: Uint8Array[] = [];
  /** Why the engine ended: "PROTOCOL: broke ...". */
  readonly ends: string[] = [];
  /** Whether the context has a pipe for the connection. */
  hasRoom = true;
  /** The peer's descriptor; -1 when it is gone. */
  peer: number;
  readonly #receiveMark: number;
  #received: Uint8Array = new Uint8Array(0);
  /** The engine has closed its end. */
  peerSawEnd = false;

  constructor(type: SocketTypeName, unusual: EngineStageOptions = {}) {
    const { context, platform } = unusual;
    this.io = new FakeIo(null, new Kernel(context, platform));
    this.options = {
      ...defaultOptions(SocketType[type]),
      ...unusual.options,
    };
    this.#receiveMark = unusual.receiveMark ?? 0;
    const fds = new Int32Array(2);
    assert.equal(openSocketPair(fds), 0);
    const [mine = -1, peer = -1] = fds;
    this.peer = peer;
    if (unusual.bufferBytes !== undefined) {
      for (const fd of fds) {
        const { SOL_SOCKET, SO_SNDBUF } = constants;
        setSockOptInt(fd, SOL_SOCKET, SO_SNDBUF, unusual.bufferBytes);
      }
    }
    if (unusual.isBlind) this.io.poller.add = () => -errnoNumber("ENOMEM");
    const buffers = unusual.buffers ?? new EngineBuffers();
    this.engine = new ZmtpEngine(this.io, mine, this, buffers);
    this.engine.plug();
  }

  attach(): void {}

  gaveUp(): void {}

  engineReady(peerRoutingId: Uint8Array): boolean {
    if (!this.hasRoom) return false;
    this.readyPeers.push(peerRoutingId);
    const { thread } = this.io;
    const record = createPipePair(
      thread.memory,
      [thread.mailbox, thread.mailbox],
      {
        firstSend: 0,
        secondReceive: -1,
        secondSend: -1,
        firstReceive: this.#receiveMark,
        flags: 0,
      },
    );
    assert.notEqual(record, 0);
    this.socketPipe = new Pipe(thread, record, 0, this.socketSink);
    this.pipe = new Pipe(thread, record, 1, {
      readActivated: () => this.engine.restartOutput(),
      writeActivated: () => this.engine.restartInput(),
      hiccuped: () => {},
      hiccupAcknowledged: () => {},
      pipeTerminated: () => {
        this.engine.pipeTerminated();
        this.pipe = null;
      },
    }, true);
    return true;
  }

  engineError(end: EngineEnd, reason: string): void {
    this.ends.push(`${END_NAMES[end]}: ${reason}`);
    this.pipe?.rollback();
  }

  /** Asserts that the engine ended by itself, once, for that reason. */
  expectEnded(how: RegExp): void {
    assert.equal(this.ends.length, 1, `one end: ${this.ends.join(", ")}`);
    assert.match(this.ends[0] ?? "", how);
    assert.equal(this.io.poller.load, 0, "its descriptor is not watched");
    assert.equal(this.io.timers.size, 0, "its timers are gone");
  }

  /** Asserts that the peer sees the connection closed. */
  expectClosed(): void {
    this.heard();
    assert.ok(this.peerSawEnd, "the connection is closed");
  }

  /** The socket's end of the pipe. */
  get socket(): Pipe {
    assert.ok(this.socketPipe !== null, "the handshake is done");
    return this.socketPipe;
  }

  /** The peer sends; how many octets the kernel took. */
  offer(data: Uint8Array): number {
    const count = send(this.peer, data, 0, data.length);
    assert.ok(count >= 0 || count === EAGAIN, `send: ${count}`);
    return Math.max(0, count);
  }

  /** The peer sends all of it, and the engine gets its turn. */
  say(...pieces: (string | number | Uint8Array)[]): void {
    const data = bytes(...pieces);
    assert.equal(this.offer(data), data.length, "the kernel has room");
    this.turns();
  }

  /** Everything that the peer received so far and has not taken. */
  heard(): Uint8Array {
    const scratch = new Uint8Array(65536);
    for (;;) {
      const count = receive(this.peer, scratch, 0, scratch.length);
      // Reset, where the engine left something unread.
      if (count === 0 || count === ECONNRESET) this.peerSawEnd = true;
      if (count <= 0) return this.#received;
      this.#received = bytes(this.#received, scratch.slice(0, count));
    }
  }

  /** The same, taken. */
  take(): Uint8Array {
    const all = this.heard();
    this.#received = new Uint8Array(0);
    return all;
  }

  /** Some turns, without time passing. */
  turns(count: number = 5): void {
    for (let n = 0; n < count; n += 1) this.io.turn();
  }

  /** Greets and gets ready as a peer of this type; takes the answers. */
  handshake(
    type: SocketTypeName,
    parts: Parameters<typeof greeting>[0] = {},
  ): void {
    this.say(greeting(parts), ready(type));
    assert.equal(this.readyPeers.length, 1, `ready: ${this.ends}`);
    this.take();
  }

  /** The peer goes. */
  hangUp(): void {
    closeFd(this.peer);
    this.peer = -1;
  }

  /** Ends what is left; asserts that nothing stays. */
  end(): void {
    this.engine.terminate();
    this.pipe?.terminate(false);
    this.socketPipe?.terminate(false);
    this.io.kernel.settle();
    assert.deepEqual(this.io.kernel.counts(), NOTHING_ALIVE);
    assert.equal(this.io.timers.size, 0, "no timer is left");
    assert.equal(this.io.poller.load, 0, "no descriptor is watched");
    if (this.peer >= 0) this.hangUp();
    this.io.stop();
  }
}
