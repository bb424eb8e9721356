// libzmq: reaper.{hpp,cpp} · runs on: reaper · RFC: –

import { get, load } from "../memory/shared_access.ts";
import { ContextState, H, Pool, SOCKET, THREAD } from "../memory/layout.ts";
import { ZmqError } from "../base/errors.ts";
import { defaultOptions } from "../base/options.ts";
import type { SocketType } from "../base/socket_type.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import { InprocRegistry } from "./inproc_registry.ts";
import type { Pattern } from "./pattern.ts";
import { SocketBase } from "./socket_base.ts";
import type { SocketHost } from "./socket_base.ts";
import { LIVENESS_INTERVAL_MS } from "./thread.ts";
import type { Thread } from "./thread.ts";
import type { Binder } from "./binder.ts";
import { dispatchUnknown } from "./unknown_commands.ts";

/**
 * Runs closed sockets to their end: waits until their pipes are drained or
 * their linger is over, and for everything they own to acknowledge.
 */
export class Reaper implements SocketHost, CommandTarget {
  /** No handle names it: nothing is adopted here. */
  readonly contextId = "";
  readonly thread: Thread;
  readonly #sockets: Map<number, SocketBase> = new Map();
  /** Inproc connects of closed sockets, and when to give each of them up. */
  readonly #waiting: Map<number, { socket: SocketBase; untilMs: number }> =
    new Map();
  readonly #inproc: InprocRegistry;
  #stopping = false;

  constructor(thread: Thread) {
    this.#inproc = new InprocRegistry(thread.control);
    this.thread = thread;
    thread.register(thread.record + THREAD.NODE, this);
    thread.onUnknown = (node, bits) => this.#unknown(node, bits);
  }

  /**
   * Runs until the context stops this thread. Meanwhile, it gives memory back
   * to the system if no I/O thread does.
   */
  run(): void {
    const { memory, platform } = this.thread;
    const { payload, slot } = memory;
    payload.startTrimming(slot);
    let trimAtMs = platform.monotonicMs() + LIVENESS_INTERVAL_MS;
    while (!this.#stopping) {
      this.runUntil(trimAtMs);
      const now = platform.monotonicMs();
      if (now < trimAtMs) continue;
      if (payload.startTrimming(slot)) payload.trim();
      trimAtMs = now + LIVENESS_INTERVAL_MS;
    }
    payload.stopTrimming(slot);
  }

  /** Handles what waits, for at most so long; for a thread that helps out. */
  runUntil(deadlineMs: number): void {
    let next = deadlineMs;
    for (const { untilMs } of this.#waiting.values()) {
      next = Math.min(next, untilMs);
    }
    this.thread.waitSync(next);
    // One that always finds mail never waits for long enough.
    this.thread.checkLiveness();
    if (this.#waiting.size > 0) this.#giveUpWaiting();
  }

  processCommands(bits: number): void {
    if ((bits & Command.SEGMENT) !== 0) this.#keepSegments();
    if ((bits & Command.STOP) !== 0) this.#stopping = true;
  }

  socketGone(socket: SocketBase): void {
    this.#sockets.delete(socket.record);
    for (const [pipe, waiting] of this.#waiting) {
      if (waiting.socket === socket) this.#waiting.delete(pipe);
    }
  }

  touched(_socket: SocketBase): void {}

  needIoThreads(): void {}

  socketClosed(): void {}

  outOfMemory(): ZmqError {
    return new ZmqError("ENOMEM");
  }

  createPattern(): Pattern {
    throw new Error("A reaped socket has no pattern");
  }

  binder(): Binder {
    throw new Error("A reaped socket makes no connections");
  }

  #unknown(node: number, bits: number): void {
    const { layout } = this.thread.control;
    if (layout.poolOf(node) === Pool.SOCKET && (bits & Command.REAP) !== 0) {
      this.#adopt(layout.recordOf(Pool.SOCKET, node));
    } else dispatchUnknown(this.thread, this.#sockets, node, bits);
  }

  #adopt(record: number): void {
    const { words } = this.thread.control;
    const type = get(words, record + SOCKET.TYPE) as SocketType;
    const options = defaultOptions(type);
    options.linger = get(words, record + SOCKET.LINGER);
    const socket = SocketBase.reap(this, record, options);
    this.#sockets.set(record, socket);
    const { linger } = options;
    const untilMs = linger < 0
      ? Infinity
      : this.thread.platform.monotonicMs() + linger;
    for (const pipe of this.#inproc.waitingOf(record)) {
      this.#waiting.set(pipe, { socket, untilMs });
    }
    socket.takeMail();
    socket.terminate();
    this.#giveUpWaiting();
  }

  /**
   * Gives up connects that nobody bound for: their linger is over, or the
   * context ends and nobody will.
   */
  #giveUpWaiting(): void {
    const now = this.thread.platform.monotonicMs();
    const over = this.thread.control.state !== ContextState.OPEN;
    for (const [pipe, { socket, untilMs }] of [...this.#waiting]) {
      if (!over && untilMs > now) continue;
      this.#waiting.delete(pipe);
      if (this.#inproc.withdraw(pipe)) socket.attachLonelyEnd(pipe);
    }
  }

  /** Takes segments from their makers, who may end before others need them. */
  #keepSegments(): void {
    const { memory, control } = this.thread;
    const count = load(control.words, H.SEGMENT_COUNT);
    for (let index = 0; index < count; index++) memory.payload.keep(index);
  }
}
