// libzmq: socket_poller.{hpp,cpp}, zmq_poll(3) · runs on: app thread · RFC: –

import {
  canBePolled,
  errnoName,
  fileStatus,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PollSet,
} from "../../ffi/mod.ts";
import { systemError, ZmqError } from "../base/errors.ts";
import type { Thread } from "../core/thread.ts";
import { Socket } from "./socket.ts";
import { stateOf } from "./socket_settings.ts";
import type { SocketState } from "./socket_state.ts";

/** What to wait for at a socket or descriptor. */
export interface PollInterest {
  /** Whether a message could be received, or a descriptor be read from. */
  readonly readable?: boolean;
  /** Whether a message could be sent, or a descriptor be written to. */
  readonly writable?: boolean;
  /**
   * Whether a descriptor is in error or hung up. That is reported whatever is
   * waited for; this flag waits for nothing else. Sockets are never in error.
   */
  readonly error?: boolean;
}

/**
 * A socket or descriptor that is ready.
 *
 * @typeParam D What was registered with it.
 */
export interface PollEvent<D = unknown> {
  /** The socket or descriptor, as it was registered. */
  readonly target: Socket | number;
  /** A receive or read would not block. */
  readonly readable: boolean;
  /** A send or write would not block. */
  readonly writable: boolean;
  /** The descriptor is in error or hung up. */
  readonly error: boolean;
  /** What was registered with the target. */
  readonly data: D;
}

/** One socket or descriptor, checked. */
export interface Item {
  readonly target: Socket | number;
  /** Null for a descriptor. */
  readonly state: SocketState | null;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly error: boolean;
  readonly data: unknown;
}

/**
 * Checks what is to be waited for.
 *
 * @param call What the user called, for errors.
 * @throws {TypeError} What is given is of the wrong type.
 * @throws {ZmqError} ENOTSOCK for a closed socket, EBADF for a closed
 * descriptor, EPERM for a regular file or a directory.
 */
export function checkedItem(
  target: unknown,
  interest: unknown,
  data: unknown,
  call: string,
): Item {
  const wanted = checkedInterest(interest);
  if (typeof target === "number") {
    checkDescriptor(target, call);
    return { target, state: null, ...wanted, data };
  }
  if (!(target instanceof Socket)) {
    throw new TypeError("Target must be a socket object or a descriptor");
  }
  const state = stateOf(target);
  if (state.closed) throw closedSocket();
  return { target, state, ...wanted, data };
}

const NO_INTEREST = { readable: false, writable: false, error: false };

function checkedInterest(interest: unknown): Required<PollInterest> {
  if (interest === undefined) return { ...NO_INTEREST, readable: true };
  if (typeof interest !== "object" || interest === null) {
    throw new TypeError("Events must be an object");
  }
  const wanted: Record<string, boolean> = { ...NO_INTEREST };
  for (const [name, value] of Object.entries(interest)) {
    if (!(name in NO_INTEREST)) throw new TypeError(`Unknown event '${name}'`);
    if (value === undefined) continue;
    if (typeof value !== "boolean") {
      throw new TypeError(`Event '${name}' must be a boolean`);
    }
    wanted[name] = value;
  }
  return wanted as unknown as Required<PollInterest>;
}

const FD_MAX = 0x7fffffff;

function checkDescriptor(fd: number, call: string): void {
  if (!Number.isInteger(fd)) {
    throw new TypeError(`${call}: ${fd} is no descriptor`);
  }
  const what = `${call}: descriptor ${fd}`;
  // Negative ones are skipped by poll(2), and would never be ready.
  const status = fd < 0 || fd > FD_MAX ? -1 : fileStatus(fd);
  if (typeof status === "number") {
    throw new ZmqError("EBADF", { message: `${what} is not open` });
  }
  if (!canBePolled(status)) {
    throw new ZmqError("EPERM", {
      message: `${what} cannot be polled: it is a regular file or a directory`,
    });
  }
  const set = new PollSet(1);
  set.set(0, fd, 0);
  checkPolled(set.wait(1, 0));
  if ((set.revents(0) & POLLNVAL) === 0) return;
  throw new ZmqError("EBADF", { message: `${what} cannot be polled` });
}

/** Throws the error of poll(2), if it is one. */
export function checkPolled(result: number): void {
  if (result < 0) throw systemError(errnoName(-result), result);
}

function closedSocket(): ZmqError {
  return new ZmqError("ENOTSOCK", {
    message: "Cannot wait for a socket that is closed or was given up",
  });
}

function closedFd(fd: number): ZmqError {
  return new ZmqError("EBADF", {
    message: `Cannot wait for descriptor ${fd}: it is closed`,
  });
}

/** A socket that is waited for. */
export type SocketItem = Item & { readonly state: SocketState };

/** Sockets and descriptors that are waited for together. */
export class PollItems {
  readonly #items: Item[] = [];
  /** What follows from the items; made anew after each change. */
  #plan: Plan | null = null;

  get size(): number {
    return this.#items.length;
  }

  /** The place of a target, or -1. */
  indexOf(target: unknown): number {
    return this.#items.findIndex((item) => item.target === target);
  }

  at(index: number): Item {
    return this.#items[index] as Item;
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#plan = null;
  }

  replace(index: number, item: Item): void {
    this.#items[index] = item;
    this.#plan = null;
  }

  remove(index: number): void {
    this.#items.splice(index, 1);
    this.#plan = null;
  }

  clear(): void {
    this.#items.length = 0;
    this.#plan = null;
  }

  /** Items that anything is waited for at. */
  get plan(): Plan {
    return this.#plan ??= new Plan(this.#items);
  }

  /**
   * What is ready now.
   *
   * @param first Where to begin, counted over all items.
   * @param max How many events to find at most.
   * @throws {ZmqError} ENOTSOCK, EBADF; ETERM and EOWNERDEAD of a socket's
   * context.
   */
  look(first: number, max: number): PollEvent[] {
    const { plan } = this;
    if (plan.fds.length > 0) checkPolled(plan.set.wait(plan.fds.length, 0));
    const found: PollEvent[] = [];
    const count = this.#items.length;
    for (let n = 0; n < count && found.length < max; n++) {
      const index = (first + n) % count;
      const item = this.#items[index] as Item;
      const entry = plan.entries[index] as number;
      if (entry === Plan.SKIPPED) continue;
      const event = item.state !== null
        ? lookAtSocket(item as SocketItem)
        : lookAtDescriptor(item, plan.set.revents(entry));
      if (event !== null) found.push(event);
    }
    return found;
  }
}

/** How the items of a list are looked at and waited for. */
export class Plan {
  static readonly SKIPPED = -2;
  static readonly SOCKET = -1;
  /** For each item: its entry in the set, `SOCKET`, or `SKIPPED`. */
  readonly entries: readonly number[];
  readonly sockets: readonly SocketItem[];
  /** Each descriptor, and the POLL* bits to wait for. */
  readonly fds: readonly number[];
  readonly fdEvents: readonly number[];
  /** The descriptors; room for one more of each thread behind them. */
  readonly set: PollSet;

  constructor(items: readonly Item[]) {
    const entries: number[] = [];
    const sockets: SocketItem[] = [];
    const fds: number[] = [];
    const fdEvents: number[] = [];
    for (const item of items) {
      const { target, readable, writable, error, state } = item;
      if (state !== null) {
        const isWanted = readable || writable;
        if (isWanted) sockets.push(item as SocketItem);
        entries.push(isWanted ? Plan.SOCKET : Plan.SKIPPED);
      } else if (readable || writable || error) {
        entries.push(fds.length);
        fds.push(target as number);
        fdEvents.push((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
      } else entries.push(Plan.SKIPPED);
    }
    this.entries = entries;
    this.sockets = sockets;
    this.fds = fds;
    this.fdEvents = fdEvents;
    this.set = new PollSet(Math.max(1, fds.length + sockets.length));
    for (const [n, fd] of fds.entries()) {
      this.set.set(n, fd, fdEvents[n] as number);
    }
  }

  /** Whether nothing could ever become ready. */
  get empty(): boolean {
    return this.sockets.length === 0 && this.fds.length === 0;
  }

  /** Places in contexts that the sockets live at: one for each context. */
  threads(): Thread[] {
    const threads = new Set<Thread>();
    for (const { state } of this.sockets) {
      if (state.base !== null) threads.add(state.base.thread);
    }
    return [...threads];
  }
}

/** Looks at one socket; null when it is not ready. */
export function lookAtSocket(item: SocketItem): PollEvent | null {
  const { base } = item.state;
  if (base === null) throw closedSocket();
  const readable = item.readable && base.hasIn();
  const writable = item.writable && base.hasOut();
  if (!readable && !writable) return null;
  return {
    target: item.target,
    readable,
    writable,
    error: false,
    data: item.data,
  };
}

function lookAtDescriptor(item: Item, revents: number): PollEvent | null {
  if (revents === 0) return null;
  if ((revents & POLLNVAL) !== 0) throw closedFd(item.target as number);
  return {
    target: item.target,
    // At the end of a pipe some systems say POLLHUP alone: a read tells so.
    readable: item.readable && (revents & (POLLIN | POLLHUP)) !== 0,
    writable: item.writable && (revents & POLLOUT) !== 0,
    error: (revents & (POLLERR | POLLHUP)) !== 0,
    data: item.data,
  };
}
