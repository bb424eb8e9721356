// libzmq: zmq_poller(3), zmq_poll(3) · runs on: app thread · RFC: –

import { ZmqError } from "../base/errors.ts";
import {
  checkedItem,
  type Item,
  type PollEvent,
  type PollInterest,
  PollItems,
} from "./poller_items.ts";
import type { OperationOptions } from "./pending_operation.ts";
import { waitBlocking } from "./poller_sleep.ts";
import { nothingToWaitFor, PendingWait, waitingThread } from "./poller_wait.ts";
import type { Socket } from "./socket.ts";
import { checkedSignal } from "./socket_state.ts";

export type { PollEvent, PollInterest };

/**
 * What {@linkcode poll} and {@linkcode pollSync} wait for.
 *
 * @typeParam D What goes with it.
 */
export interface PollItem<D = unknown> extends PollInterest {
  /** A socket of this thread, or the number of an open descriptor. */
  readonly target: Socket | number;
  /** Handed out with the target's events. */
  readonly data?: D;
}

/**
 * Waits for any of several sockets and descriptors, as zmq_poller(3) does. A
 * socket is ready when a receive or a send would not wait, a descriptor when
 * poll(2) says so. Readiness lasts until it is used up: as long as a message
 * can be received, every wait says so again.
 *
 * At the context's `memoryLimit` a send may have to wait all the same.
 *
 * Sockets of several contexts can be in one poller, and one socket in several
 * pollers. A poller belongs to the thread that made it; it owns neither its
 * sockets nor its descriptors. Remove a descriptor before it is closed, since
 * its number may soon be another one's.
 *
 * While a wait is pending, everything but a second wait may be done: targets
 * that are added, changed or removed count at once.
 *
 * @typeParam D What is registered with each target.
 *
 * @example Two sockets at once
 * ```ts
 * import { Poller, Pull, Push } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using tasks = new Pull();
 * await tasks.bind("inproc://tasks");
 * using control = new Pull();
 * await control.bind("inproc://control");
 *
 * using poller = new Poller<string>();
 * poller.add(tasks, { readable: true }, "a task");
 * poller.add(control, { readable: true }, "an order");
 *
 * using sender = new Push();
 * sender.connect("inproc://control");
 * await sender.send("stop");
 *
 * const [event] = await poller.wait(5000);
 * assert.equal(event?.data, "an order");
 * assert.equal(event.target, control);
 * ```
 *
 * @example A socket and a descriptor together
 * ```ts
 * import { Poller, Pull, Push } from "@purezmq/zmq";
 * import {
 *   acceptConnection,
 *   closeDescriptor,
 *   connectTcp,
 *   listenTcp,
 * } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 *
 * using orders = new Pull();
 * await orders.bind("inproc://orders");
 * const door = listenTcp("127.0.0.1", 0);
 *
 * using poller = new Poller<string>();
 * poller.add(orders, { readable: true }, "an order");
 * poller.add(door.fd, { readable: true }, "a visitor");
 *
 * const visitor = connectTcp("127.0.0.1", door.port);
 * const [event] = await poller.wait(5000);
 * assert.equal(event?.data, "a visitor");
 * const connection = acceptConnection(door.fd);
 *
 * using sender = new Push();
 * sender.connect("inproc://orders");
 * await sender.send("tea");
 * assert.equal(poller.waitSync(5000)?.target, orders);
 *
 * poller.remove(door.fd); // before it is closed
 * for (const fd of [connection, visitor, door.fd]) closeDescriptor(fd);
 * ```
 */
export class Poller<D = undefined> {
  readonly #items = new PollItems();
  /** Whose turn it is at the next `waitSync`. */
  #next = 0;
  #pending: PendingWait | null = null;
  #blocking = false;
  #closed = false;
  /** Counts among the users of the watcher for descriptors. */
  #joined = false;

  /** Makes a poller without targets. */
  constructor() {
    Object.seal(this);
  }

  /** How many targets there are. */
  get size(): number {
    return this.#items.size;
  }

  /** Whether the poller is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Adds a socket or descriptor.
   *
   * @param target A socket of this thread, or the number of an open
   *   descriptor that can be polled: a socket, a pipe, a terminal.
   * @param events What to wait for; a message or bytes to be read unless
   *   given.
   * @param data Handed out with the target's events.
   * @throws {TypeError} An argument is of the wrong type.
   * @throws {ZmqError} EINVAL if the target was added before, ENOTSOCK if it
   *   is a closed socket, EBADF if it is no open descriptor, EPERM if it is a
   *   regular file or a directory, EBADF if the poller is closed.
   */
  add(target: Socket | number, events?: PollInterest, data?: D): void {
    this.#checkOpen();
    const item = checkedItem(target, events, data, "Poller.add");
    if (this.#items.indexOf(target) >= 0) {
      throw new ZmqError("EINVAL", {
        message: `Poller.add: ${nameOf(target)} was added before`,
      });
    }
    this.#items.add(item);
    this.#pending?.refresh();
  }

  /**
   * Changes what is waited for at a target.
   *
   * @param target A target that was added.
   * @param events What to wait for from now on; with nothing true the target
   *   is left out of waits.
   * @throws {TypeError} `events` is of the wrong type.
   * @throws {ZmqError} EINVAL if there is no such target, ENOTSOCK or EBADF if
   *   it was closed, EBADF if the poller is closed.
   */
  modify(target: Socket | number, events: PollInterest): void {
    this.#checkOpen();
    const index = this.#find(target, "modify");
    if (events === undefined) throw new TypeError("Events must be an object");
    const { data } = this.#items.at(index);
    const item = checkedItem(target, events, data, "Poller.modify");
    this.#items.replace(index, item);
    this.#pending?.refresh();
  }

  /**
   * Removes a target, which may be closed already.
   *
   * @param target A target that was added.
   * @throws {ZmqError} EINVAL if there is no such target, EBADF if the poller
   *   is closed.
   */
  remove(target: Socket | number): void {
    this.#checkOpen();
    const index = this.#find(target, "remove");
    this.#items.remove(index);
    if (this.#next > index) this.#next--;
    this.#pending?.refresh();
  }

  /**
   * Waits until a target is ready, blocking the thread. Among several that are
   * ready each gets its turn.
   *
   * @param timeoutMs How long to wait at most, in milliseconds; 0 looks once,
   *   -1 and `Infinity` wait for ever.
   * @returns One target that is ready; `undefined` if the time has passed.
   * @throws {TypeError} The time is not a number.
   * @throws {ZmqError} What {@linkcode Poller.waitAllSync} throws.
   */
  waitSync(timeoutMs: number = Infinity): PollEvent<D> | undefined {
    const [event] = this.#waitBlocking(timeoutMs, 1);
    if (event === undefined) return undefined;
    this.#next = this.#items.indexOf(event.target) + 1;
    return event;
  }

  /**
   * Waits until a target is ready, blocking the thread.
   *
   * @param timeoutMs How long to wait at most, in milliseconds; 0 looks once,
   *   -1 and `Infinity` wait for ever.
   * @returns All targets that are ready; none if the time has passed.
   * @throws {TypeError} The time is not a number.
   * @throws {ZmqError} EFAULT if there is nothing to wait for and no time
   *   limit, ENOTSOCK if one of the sockets is closed or was given up with
   *   `detach`, EBADF if one of the descriptors or the poller is closed, EBUSY
   *   if a wait is pending, ETERM if the context of one of the sockets was
   *   shut down, EOWNERDEAD if one of its threads died, EMFILE without a
   *   descriptor to be woken by.
   */
  waitAllSync(timeoutMs: number = Infinity): PollEvent<D>[] {
    return this.#waitBlocking(timeoutMs, Infinity);
  }

  /**
   * Waits until a target is ready, without blocking the thread. It keeps the
   * program running. Only one wait may be pending at a time.
   *
   * What is wrong with the call itself is thrown at once; what is wrong with a
   * target, and all that happens later, rejects the promise.
   *
   * @param timeoutMs How long to wait at most, in milliseconds; 0 looks once,
   *   -1 and `Infinity` wait for ever.
   * @param options How to cancel the wait.
   * @returns A promise for all targets that are ready; for none if the time
   *   has passed. Rejected with the signal's reason, or with a
   *   {@linkcode ZmqError}: EAGAIN if the poller was closed, ENOTSOCK if one
   *   of the sockets is or was closed or given up with `detach`, EBADF if one
   *   of the descriptors is closed, EFAULT if nothing is left to wait for,
   *   ETERM if the context of one of the sockets was shut down, EOWNERDEAD if
   *   one of its threads died or the one that waits for descriptors.
   * @throws {TypeError} An argument is of the wrong type.
   * @throws {ZmqError} EFAULT if there is nothing to wait for and no time
   *   limit, EBUSY if a wait is pending, EBADF if the poller is closed.
   */
  wait(
    timeoutMs: number = Infinity,
    options: OperationOptions = {},
  ): Promise<PollEvent<D>[]> {
    const timeout = checkedTimeout(timeoutMs);
    const signal = checkedSignal(options);
    this.#checkReady(timeout);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#joined && this.#items.plan.fds.length > 0) {
      this.#joined = true;
      waitingThread.watch.join();
    }
    let over = false;
    const wait = new PendingWait(this.#items, timeout, signal, () => {
      over = true;
      this.#pending = null;
    });
    if (!over) this.#pending = wait;
    return wait.promise as Promise<PollEvent<D>[]>;
  }

  /**
   * Closes the poller, not its targets. A wait that is pending is rejected
   * with EAGAIN. Closing twice is harmless.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending?.reject(new ZmqError("EAGAIN"));
    this.#items.clear();
    if (this.#joined) waitingThread.watch.leave();
  }

  /** Calls {@linkcode Poller.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #waitBlocking(timeoutMs: number, max: number): PollEvent<D>[] {
    const timeout = checkedTimeout(timeoutMs);
    this.#checkReady(timeout);
    this.#blocking = true;
    try {
      const first = max === 1 ? this.#next : 0;
      return blockOver(this.#items, timeout, first, max) as PollEvent<D>[];
    } finally {
      this.#blocking = false;
    }
  }

  #find(target: unknown, call: string): number {
    const index = this.#items.indexOf(target);
    if (index >= 0) return index;
    throw new ZmqError("EINVAL", {
      message: `Poller.${call}: ${nameOf(target)} was not added`,
    });
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new ZmqError("EBADF", { message: "Poller is closed" });
  }

  #checkReady(timeout: number): void {
    this.#checkOpen();
    // Blocking: from within a callback that the wait itself has made.
    if (this.#pending !== null || this.#blocking) {
      throw new ZmqError("EBUSY", {
        message: "Poller is busy; only one wait may be in progress at any time",
      });
    }
    checkTargets(this.#items, timeout);
  }
}

/**
 * Waits until one of several sockets and descriptors is ready, as zmq_poll(3)
 * does. A loop that waits for the same targets again and again is better
 * served by a {@linkcode Poller}.
 *
 * What is wrong with the arguments is thrown at once, the targets among them;
 * what happens later rejects the promise.
 *
 * @typeParam D What goes with the targets.
 * @param items What to wait for: a message or bytes to be read unless said. An
 *   item whose flags are all false is left out.
 * @param timeoutMs How long to wait at most, in milliseconds; 0 looks once, -1
 *   and `Infinity` wait for ever.
 * @param options How to cancel the wait.
 * @returns A promise for all targets that are ready; for none if the time has
 *   passed. Rejected as that of {@linkcode Poller.wait}.
 * @throws {TypeError} An argument is of the wrong type.
 * @throws {ZmqError} EFAULT if there is nothing to wait for and no time limit,
 *   ENOTSOCK for a closed socket, EBADF for a closed descriptor, EPERM for a
 *   regular file or a directory.
 *
 * @example A message or ten milliseconds
 * ```ts
 * import { poll, Pull } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using pull = new Pull();
 * await pull.bind("inproc://quiet");
 * const events = await poll([{ target: pull, readable: true }], 10);
 * assert.deepEqual(events, []);
 * ```
 */
export function poll<D = undefined>(
  items: readonly PollItem<D>[],
  timeoutMs: number = Infinity,
  options: OperationOptions = {},
): Promise<PollEvent<D>[]> {
  const timeout = checkedTimeout(timeoutMs);
  const signal = checkedSignal(options);
  const list = checkedList(items, "poll");
  checkTargets(list, timeout);
  if (signal?.aborted) return Promise.reject(signal.reason);
  const wait = new PendingWait(list, timeout, signal, () => {});
  return wait.promise as Promise<PollEvent<D>[]>;
}

/**
 * Waits until one of several sockets and descriptors is ready, as
 * {@linkcode poll} does, blocking the thread.
 *
 * @typeParam D What goes with the targets.
 * @param items What to wait for: a message or bytes to be read unless said. An
 *   item whose flags are all false is left out.
 * @param timeoutMs How long to wait at most, in milliseconds; 0 looks once, -1
 *   and `Infinity` wait for ever.
 * @returns All targets that are ready; none if the time has passed.
 * @throws {TypeError} An argument is of the wrong type.
 * @throws {ZmqError} What {@linkcode Poller.waitAllSync} throws, and EPERM for a
 *   regular file or a directory.
 *
 * @example Is there room?
 * ```ts
 * import { Pair, pollSync } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using pair = new Pair();
 * await pair.bind("inproc://room");
 * assert.deepEqual(pollSync([{ target: pair, writable: true }], 0), []);
 *
 * using other = new Pair();
 * other.connect("inproc://room");
 * const [event] = pollSync([{ target: pair, writable: true }], 1000);
 * assert.equal(event?.writable, true);
 * ```
 */
export function pollSync<D = undefined>(
  items: readonly PollItem<D>[],
  timeoutMs: number = Infinity,
): PollEvent<D>[] {
  const timeout = checkedTimeout(timeoutMs);
  const list = checkedList(items, "pollSync");
  checkTargets(list, timeout);
  return blockOver(list, timeout, 0, Infinity) as PollEvent<D>[];
}

function blockOver(
  items: PollItems,
  timeoutMs: number,
  first: number,
  max: number,
): PollEvent[] {
  const look = (): PollEvent[] => items.look(first, max);
  return waitBlocking(items.plan, timeoutMs, look);
}

/** Throws for a wait that nothing could ever end. */
function checkTargets(items: PollItems, timeout: number): void {
  if (timeout === Infinity && items.plan.empty) throw nothingToWaitFor();
}

function checkedTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs !== "number" || Number.isNaN(timeoutMs)) {
    throw new TypeError("Timeout must be a number");
  }
  return timeoutMs < 0 ? Infinity : timeoutMs;
}

function checkedList(items: readonly PollItem[], call: string): PollItems {
  if (!Array.isArray(items)) throw new TypeError("Items must be an array");
  const checked = items.map((item: unknown): Item => {
    if (typeof item !== "object" || item === null) {
      throw new TypeError("Item must be an object");
    }
    const { target, data, ...interest } = item as PollItem;
    const isSaid = Object.keys(interest).length > 0;
    return checkedItem(target, isSaid ? interest : undefined, data, call);
  });
  const list = new PollItems();
  for (const item of checked) list.add(item);
  return list;
}

/** A target as errors call it. */
function nameOf(target: unknown): string {
  if (typeof target === "number") return `descriptor ${target}`;
  const { name } = (target as object)?.constructor ?? { name: "the target" };
  return name;
}
