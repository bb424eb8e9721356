// libzmq: i_poll_events.hpp · runs on: any · RFC: –

import type { Poller, PollEvents, PollHandle } from "../poller/poller.ts";
import { EventLoopError, POLLER_REASONS, refused } from "./event_loop_error.ts";
import type { LoopHost, LoopSource } from "./loop_host.ts";

/**
 * Which directions of a descriptor are told of. One that is absent is not told
 * of at first, and left as it is by {@linkcode Watch.setInterest}.
 */
export interface Interest {
  /** Tell when it can be read. */
  readonly read?: boolean;
  /** Tell when it can be written. */
  readonly write?: boolean;
}

/**
 * How a descriptor is watched, for as long as it is.
 *
 * @typeParam D What is registered with the descriptor.
 */
export interface WatchOptions<D = unknown> {
  /**
   * Whether the loops of several threads share the descriptor (a listening
   * socket) and one of them is enough to be told. Advice: `epoll` follows it,
   * and may tell more than one; `accept` then says EAGAIN to the others.
   */
  readonly exclusive?: boolean;
  /** Kept as {@linkcode Watch.data}. */
  readonly data?: D;
}

/**
 * What a loop calls when a descriptor is ready, as methods of this object.
 *
 * @typeParam D What is registered with the descriptor.
 */
export interface WatchHandlers<D = unknown> {
  /** It can be read, or its peer is gone, or it broke: a read tells. */
  readonly readable?: (watch: Watch<D>) => void;
  /** It can be written, or it broke: a write tells. */
  readonly writable?: (watch: Watch<D>) => void;
}

/**
 * A descriptor that a loop watches.
 *
 * @typeParam D What is registered with it.
 */
export interface Watch<D = unknown> extends Disposable {
  /** The descriptor, which stays the caller's. */
  readonly fd: number;
  /** What was given with the descriptor. */
  readonly data: D;
  /** What is told of now; nothing when closed. */
  readonly interest: Required<Interest>;
  /** False from {@linkcode Watch.close} on. */
  readonly active: boolean;
  /**
   * Says what is to be told from the next turn on. A direction that is not
   * named stays as it is.
   *
   * @throws {TypeError} The interest is no object of booleans.
   * @throws {EventLoopError} EBADF when the watch is closed.
   */
  setInterest(interest: Interest): void;
  /**
   * Says that a read would have blocked. An edge-triggered loop calls
   * `readable` in each turn until it is told so; others need not be told.
   */
  inputExhausted(): void;
  /** Says that a write would have blocked; see `inputExhausted`. */
  outputExhausted(): void;
  /**
   * Ends the watch: no callback any more, not even for what is ready already.
   * Close it before the descriptor. Closing twice does nothing.
   */
  close(): void;
}

/** A watch over a poller's handle. */
export class DescriptorWatch implements Watch, LoopSource, PollEvents {
  readonly fd: number;
  readonly data: unknown;
  readonly #host: LoopHost;
  readonly #poller: Poller;
  readonly #handlers: WatchHandlers;
  readonly #handle: PollHandle;
  #read = false;
  #write = false;
  #active = true;

  /**
   * @param call What the user called, for errors.
   * @throws {EventLoopError} The poller refused the descriptor.
   */
  constructor(
    host: LoopHost,
    fd: number,
    handlers: WatchHandlers,
    interest: Interest,
    options: WatchOptions,
    call: string,
  ) {
    this.fd = fd;
    this.data = options.data;
    this.#host = host;
    this.#poller = host.poller;
    this.#handlers = handlers;
    const handle = host.poller.add(fd, this, options.exclusive ?? false);
    if (typeof handle === "number") {
      throw refused(call, { fd }, handle, POLLER_REASONS);
    }
    this.#handle = handle;
    host.sourceOpened(this);
    this.setInterest(interest);
  }

  get interest(): Required<Interest> {
    return { read: this.#read, write: this.#write };
  }

  get active(): boolean {
    return this.#active;
  }

  setInterest(interest: Interest): void {
    const call = "Watch.setInterest";
    checkInterest(interest, call);
    this.#assertActive(call);
    this.#read = interest.read ?? this.#read;
    this.#write = interest.write ?? this.#write;
    this.#poller.setInterest(this.#handle, this.#read, this.#write);
    this.#host.changed();
  }

  inputExhausted(): void {
    if (this.#active) this.#poller.inputExhausted(this.#handle);
  }

  outputExhausted(): void {
    if (this.#active) this.#poller.outputExhausted(this.#handle);
  }

  close(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#read = false;
    this.#write = false;
    this.#poller.remove(this.#handle);
    this.#host.sourceClosed(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  inEvent(): void {
    // Who only writes hears of a broken connection too.
    const { readable, writable } = this.#handlers;
    if (readable !== undefined) {
      this.#host.tell(DescriptorWatch.#callReadable, this);
    } else if (writable !== undefined) {
      this.#host.tell(DescriptorWatch.#callWritable, this);
    }
  }

  outEvent(): void {
    const { writable } = this.#handlers;
    if (writable !== undefined) {
      this.#host.tell(DescriptorWatch.#callWritable, this);
    }
  }

  // Without a closure for each event, and as methods of the user's object.
  static #callReadable(this: void, watch: DescriptorWatch): void {
    watch.#handlers.readable?.(watch);
  }

  static #callWritable(this: void, watch: DescriptorWatch): void {
    watch.#handlers.writable?.(watch);
  }

  #assertActive(call: string): void {
    if (this.#active) return;
    const { fd } = this;
    throw new EventLoopError("EBADF", call, { fd }, "is not watched any more");
  }
}

/** @throws {TypeError} It is no {@linkcode Interest}. */
export function checkInterest(interest: unknown, call: string): void {
  if (typeof interest !== "object" || interest === null) {
    throw new TypeError(`${call}: the interest is ${describe(interest)}`);
  }
  const { read, write } = interest as Record<string, unknown>;
  for (const flag of [read, write]) {
    if (flag === undefined || typeof flag === "boolean") continue;
    throw new TypeError(`${call}: a direction's interest is no boolean`);
  }
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}
