// libzmq: session_base.cpp (start_connecting) · runs on: io thread · RFC: –

import type { SocketOptions } from "../base/options.ts";
import type { Poller } from "../poller/poller.ts";
import type { TimerQueue } from "../poller/timer_queue.ts";
import type { Pipe } from "./pipe.ts";
import type { ArgumentReader } from "./launch_arguments.ts";
import type { Thread } from "./thread.ts";

/** Something that an I/O worker keeps, if it holds descriptors. */
export interface IoObject {
  /** Closes its descriptors: the worker ends, and nobody else would. */
  abandon(): void;
}

/** What the objects on an I/O worker may use of it. */
export interface IoContext {
  readonly thread: Thread;
  /** Reads what sessions and listeners are told. */
  readonly argumentReader: ArgumentReader;
  readonly poller: Poller;
  readonly timers: TimerQueue;
  /** What ffi's `wake` takes to wake this thread. */
  readonly wakeTarget: number;
  transport(protocol: string): Transport;
  /** Keeps an object that only the kernel refers to, until the end. */
  addObject(object: object): void;
  /** Called after each turn, for what other threads left elsewhere. */
  addTurnHook(hook: () => void): void;
  /** Called once, when the worker stops. */
  onStop(hook: () => void): void;
  /** Module that every worker of the context starts from. */
  readonly workerUrl: string;
  /** Calls back in the next turn: for work cut off so that others get theirs. */
  continueLater(callback: () => void): void;
}

/** Why an engine ended. */
export const EngineEnd = {
  /** The connection broke or could not be kept: try again. */
  CONNECTION: 0,
  /** The handshake took too long: try again. */
  TIMEOUT: 1,
  /** The peer broke the protocol: do not try again. */
  PROTOCOL: 2,
} as const;
export type EngineEnd = typeof EngineEnd[keyof typeof EngineEnd];

/** A session, as its engine and its connecter see it. */
export interface SessionPort {
  readonly options: SocketOptions;
  readonly endpoint: string;
  /** The pipe to the socket, if there is one now. */
  readonly pipe: Pipe | null;
  /** Milliseconds of the last back-off; kept for the connecter. */
  reconnectIntervalMs: number;
  /** A connection was made. */
  attach(engine: Engine): void;
  /** No connection was made, and none will be tried again. */
  gaveUp(): void;
  /**
   * The handshake is done: from now on messages flow.
   *
   * @returns false when the context has no pipe left for this connection.
   */
  engineReady(peerRoutingId: Uint8Array): boolean;
  /** The engine ended by itself; it is not to be touched any more. */
  engineError(end: EngineEnd, reason: string): void;
}

/** An attempt, and further attempts, to make a session's connection. */
export interface Connecter {
  /** Stops trying and lets go of everything. */
  close(): void;
}

/** A listener, on its I/O thread. */
export interface Listener {
  close(): void;
}

/** How connections of one protocol come to be, on an I/O thread. */
export interface Transport {
  readonly protocols: readonly string[];
  /**
   * Accepts on a descriptor that a binder made.
   *
   * @param temporary Whether to remove the endpoint's path at the end.
   */
  accept(
    io: IoContext,
    fd: number,
    endpoint: string,
    options: SocketOptions,
    accepted: (fd: number) => void,
    temporary?: boolean,
  ): Listener;
  /**
   * Begins to connect; calls `session.attach` with an engine when it has a
   * connection.
   *
   * @param wait Whether to wait for the reconnect interval first.
   */
  connect(io: IoContext, session: SessionPort, wait: boolean): Connecter;
  /**
   * Takes care of an accepted descriptor: options, then an engine.
   *
   * @param lease The number of the lease that a binder gave with it; or 0.
   */
  createEngine(
    io: IoContext,
    fd: number,
    session: SessionPort,
    lease: number,
  ): Engine;
}

/** One connection: moves bytes between a descriptor and a session's pipe. */
export interface Engine {
  /** Starts; the session is told by engineReady or engineError. */
  plug(): void;
  /** The pipe has something to send. */
  restartOutput(): void;
  /** The pipe has room again. */
  restartInput(): void;
  /** The pipe is going away: forget everything that refers to it. */
  pipeTerminated(): void;
  /** Closes the connection without telling the session. */
  terminate(): void;
}
