// libzmq: session_base.{hpp,cpp} · runs on: io thread · RFC: –

import { add, get, load, store } from "../memory/shared_access.ts";
import { NODE, OWN, PIPE, SOCKET } from "../memory/layout.ts";
import { SocketType } from "../base/socket_type.ts";
import type { SocketOptions } from "../base/options.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import { leaseOf, Own } from "./own.ts";
import type { OwnHost } from "./own.ts";
import { createPipePair, Pipe } from "./pipe.ts";
import type { PipeSink } from "./pipe.ts";
import { pipeLimits } from "./pipe_limits.ts";
import type { Timer } from "../poller/timer_queue.ts";
import { EngineEnd } from "./transport.ts";
import type {
  Connecter,
  Engine,
  IoContext,
  IoObject,
  SessionPort,
  Transport,
} from "./transport.ts";

/**
 * Ties one engine at a time to one pipe. A connecting session lives as long
 * as its endpoint and reconnects; an accepted one dies with its engine.
 */
export class Session
  implements SessionPort, CommandTarget, PipeSink, OwnHost, IoObject {
  readonly record: number;
  readonly io: IoContext;
  readonly options: Readonly<SocketOptions>;
  readonly endpoint: string;
  /** Whether this side connects (and reconnects). */
  readonly active: boolean;
  /** Milliseconds of the last back-off; owned by the connecter. */
  reconnectIntervalMs = 0;

  readonly #own: Own;
  readonly #transport: Transport;
  #pipe: Pipe | null = null;
  #engine: Engine | null = null;
  #connecter: Connecter | null = null;
  /** Former pipes that have not ended yet. */
  #dyingPipes = 0;
  /** Told to die; waits for the pipe to be drained. */
  #pending = false;
  #lingerTimer: Timer | null = null;
  readonly lingerMs = 0;

  constructor(io: IoContext, record: number) {
    const { words } = io.thread.control;
    this.io = io;
    this.record = record;
    // Ordering: everything in the record was written before PLUG was posted.
    const reference = get(words, record + OWN.ARGUMENTS);
    const launch = io.argumentReader.load(reference);
    io.thread.memory.blocks.release(reference);
    this.options = launch.options;
    this.endpoint = launch.endpoint;
    this.active = get(words, record + OWN.FD) < 0;
    this.#transport = io.transport(launch.protocol);
    this.#own = new Own(io.thread, record + OWN.SENT_SEQNUM, this);
    const pipe = get(words, record + OWN.PIPE);
    if (pipe !== 0) this.#pipe = new Pipe(io.thread, pipe, 1, this, true);
    io.thread.register(record + OWN.NODE, this);
  }

  /** The pipe to the socket, if there is one now. */
  get pipe(): Pipe | null {
    return this.#pipe;
  }

  processCommands(bits: number): void {
    if ((bits & Command.PLUG) !== 0) this.#start();
    if ((bits & Command.TERM) !== 0) {
      const pipe = this.#pipe;
      if (pipe !== null && this.#goodbyeWaits(pipe)) {
        // The socket ended the pipe first, but we were in the mailbox already
        // (PLUG). The order decides whether what is queued is delivered.
        // Not before the next turn: its sender may not have come to push it.
        this.io.continueLater(() =>
          this.io.thread.control.post(this.record + OWN.NODE, Command.TERM)
        );
        return;
      }
      this.#processTerm(
        get(this.io.thread.control.words, this.record + OWN.LINGER),
      );
    }
  }

  /** A connection was made. */
  attach(engine: Engine): void {
    this.#connecter = null;
    this.#engine = engine;
    engine.plug();
  }

  /** No connection was made, and none will be tried again. */
  gaveUp(): void {
    this.#connecter = null;
    // Nobody will come for what is queued.
    if (this.#pending) this.#pipe?.terminate(false);
  }

  /**
   * The handshake is done: from now on messages flow.
   *
   * @returns false when the context has no pipe left for this connection.
   */
  engineReady(peerRoutingId: Uint8Array): boolean {
    if (this.#pipe !== null) {
      this.#pipe.writeChange(peerRoutingId);
      return true;
    }
    if (this.#pending || this.#own.terminating) return false;
    const { thread } = this.io;
    const socket = get(thread.control.words, this.record + OWN.SOCKET);
    const record = createPipePair(
      thread.memory,
      [socket + SOCKET.MAILBOX, thread.mailbox],
      pipeLimits(this.options),
    );
    if (record === 0) return false;
    const pipe = new Pipe(thread, record, 1, this, true);
    this.#pipe = pipe;
    this.#publishPipe(record);
    pipe.writeChange(peerRoutingId);
    add(thread.control.words, socket + SOCKET.SENT_SEQNUM, 1);
    thread.control.post(record + PIPE.END, Command.BIND);
    return true;
  }

  /** The engine ended by itself; it is not to be touched any more. */
  engineError(end: EngineEnd, _reason: string): void {
    this.#engine = null;
    const pipe = this.#pipe;
    if (pipe !== null) {
      // What the peer did not finish is forgotten; what the kernel did not
      // accept whole is sent again on the next connection.
      pipe.rollback();
      if (!pipe.hiccupPending) pipe.reader.rewind();
    }
    if (this.active && end !== EngineEnd.PROTOCOL) this.#reconnect();
    else if (this.#pending) this.#pipe?.terminate(false);
    else this.#terminate();
    // There may be nothing but a delimiter in the pipe.
    this.#pipe?.checkRead();
  }

  readActivated(pipe: Pipe): void {
    if (pipe !== this.#pipe) return;
    if (this.#engine !== null) this.#engine.restartOutput();
    else pipe.checkRead();
  }

  writeActivated(pipe: Pipe): void {
    if (pipe === this.#pipe) this.#engine?.restartInput();
  }

  hiccuped(_pipe: Pipe): void {}

  hiccupAcknowledged(pipe: Pipe): void {
    this.readActivated(pipe);
  }

  pipeTerminated(pipe: Pipe): void {
    if (pipe === this.#pipe) {
      this.#engine?.pipeTerminated();
      this.#pipe = null;
      this.#publishPipe(0);
      this.#cancelLinger();
      // Nothing can be sent or received any more on this connection.
      if (!this.#pending && !this.#own.terminating) this.#terminate();
    } else this.#dyingPipes--;
    this.#dieIfDrained();
  }

  childGaveUp(_child: number): void {}

  processDestroy(): void {
    this.#connecter?.close();
    this.#connecter = null;
    this.#engine?.terminate();
    this.#engine = null;
    this.#cancelLinger();
    const { thread } = this.io;
    thread.unregister(this.record + OWN.NODE);
    thread.control.post(this.record + OWN.TO_OWNER, Command.TERM_ACK);
  }

  abandon(): void {
    this.#connecter?.close();
    this.#engine?.terminate();
  }

  #start(): void {
    this.#own.processSeqnum();
    const { io, record } = this;
    const { words } = io.thread.control;
    const fd = get(words, record + OWN.FD);
    if (fd < 0) this.#connecter = this.#transport.connect(io, this, false);
    else {
      const lease = leaseOf(words, record);
      this.attach(this.#transport.createEngine(io, fd, this, lease));
    }
  }

  #reconnect(): void {
    const { options } = this;
    const pipe = this.#pipe;
    if (options.immediate && pipe !== null && !this.#pending) {
      pipe.terminate(false);
      this.#dyingPipes++;
      this.#pipe = null;
      this.#publishPipe(0);
    }
    if (options.reconnectInterval <= 0 && this.#pending) {
      this.gaveUp();
      return;
    }
    if (options.reconnectInterval <= 0) {
      // No way back: the socket is to forget this endpoint.
      const { control } = this.io.thread;
      control.post(this.record + OWN.TO_OWNER, Command.TERM_ENDPOINT);
      return;
    }
    this.#connecter = this.#transport.connect(this.io, this, true);
    if (options.type === SocketType.SUB || options.type === SocketType.XSUB) {
      this.#pipe?.hiccup();
    }
  }

  /** Tells the socket whose pipe this is; before the record can be reused. */
  #publishPipe(record: number): void {
    store(this.io.thread.control.words, this.record + OWN.PIPE, record);
  }

  /** Whether the socket's wish to end the pipe is still in the mailbox. */
  #goodbyeWaits(pipe: Pipe): boolean {
    const { words } = this.io.thread.control;
    return (load(words, pipe.node + NODE.PENDING) & Command.PIPE_TERM) !== 0;
  }

  /** Asks the owner to be terminated. */
  #terminate(): void {
    const { control } = this.io.thread;
    control.post(this.record + OWN.TO_OWNER, Command.TERM_REQ);
  }

  #processTerm(lingerMs: number): void {
    this.#pending = true;
    const pipe = this.#pipe;
    if (pipe !== null) {
      if (lingerMs > 0) {
        this.#lingerTimer = this.io.timers.add(
          lingerMs,
          () => this.#pipe?.terminate(false),
        );
      }
      const hopeless = this.#engine === null && this.#connecter === null;
      pipe.terminate(lingerMs !== 0 && !hopeless);
      if (this.#engine === null) this.#pipe?.checkRead();
      // It may have been waiting for a reader that will not come any more.
      else this.#engine.restartOutput();
    }
    this.#dieIfDrained();
  }

  #dieIfDrained(): void {
    if (!this.#pending || this.#own.terminating) return;
    if (this.#pipe !== null || this.#dyingPipes > 0) return;
    this.#own.processTerm(0);
  }

  #cancelLinger(): void {
    if (this.#lingerTimer !== null) this.io.timers.cancel(this.#lingerTimer);
    this.#lingerTimer = null;
  }
}
