// libzmq: reaper.{hpp,cpp} · runs on: reaper · RFC: –

import { get } from "../memory/shared_access.ts";
import { Pool, SOCKET, THREAD } from "../memory/layout.ts";
import { ZmqError } from "../base/errors.ts";
import { defaultOptions } from "../base/options.ts";
import type { SocketType } from "../base/socket_type.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import type { Pattern } from "./pattern.ts";
import { SocketBase } from "./socket_base.ts";
import type { SocketHost } from "./socket_base.ts";
import type { Thread } from "./thread.ts";
import type { Transport } from "./transport.ts";
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
  #stopping = false;

  constructor(thread: Thread) {
    this.thread = thread;
    thread.register(thread.record + THREAD.NODE, this);
    thread.onUnknown = (node, bits) => this.#unknown(node, bits);
  }

  /** Runs until the context stops this thread. */
  run(): void {
    while (!this.#stopping) this.thread.waitSync(Infinity);
  }

  /** Handles what waits, for at most so long; for a thread that helps out. */
  runUntil(deadlineMs: number): void {
    this.thread.waitSync(deadlineMs);
  }

  processCommands(bits: number): void {
    if ((bits & Command.STOP) !== 0) this.#stopping = true;
  }

  socketGone(socket: SocketBase): void {
    this.#sockets.delete(socket.record);
  }

  touched(_socket: SocketBase): void {}

  needIoThreads(): void {}

  needReaper(): void {}

  outOfMemory(): ZmqError {
    return new ZmqError("ENOMEM");
  }

  createPattern(): Pattern {
    throw new Error("A reaped socket has no pattern");
  }

  transport(): Transport {
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
    socket.takeMail();
    socket.terminate();
  }
}
