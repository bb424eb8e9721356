// libzmq: io_thread.cpp, timers.cpp · runs on: any · RFC: –

import { monotonicMs, wake } from "../../ffi/mod.ts";
import { add, load } from "../memory/shared_access.ts";
import { PollerOpenError } from "../poller/poller_failure.ts";
import { createPoller } from "../poller/create_poller.ts";
import { EventLoopError, refused } from "./event_loop_error.ts";
import type { LoopHost, LoopSource, OpenSource } from "./loop_host.ts";
import { LoopSources } from "./loop_sources.ts";
import { OneTimer, Ticker } from "./loop_timer.ts";
import type { LoopTimer } from "./loop_timer.ts";
import { checkInterest, DescriptorWatch } from "./descriptor_watch.ts";
import type {
  Interest,
  Watch,
  WatchHandlers,
  WatchOptions,
} from "./descriptor_watch.ts";
import type { FileChange } from "./file_source.ts";
import type { PollerOptions } from "../poller/choose_poller.ts";
import type { Poller, PollerKind, Trigger } from "../poller/poller.ts";
import type { ProcessExit } from "./process_source.ts";
import type { SignalRelayHandle } from "./signal_relay.ts";
import type { SignalEvent } from "./signal_source.ts";
import { TimerQueue } from "../poller/timer_queue.ts";
import { closeGate, ring } from "./wake_gate.ts";

/** What wakes a loop from any thread: plain data that can be cloned. */
export interface WakeHandle {
  /** Says to the system whom to wake. */
  readonly target: number;
  /** Shared with the loop, so that nobody wakes it when it is closed. */
  readonly gate: SharedArrayBuffer;
}

// Words of a wake handle's shared memory.
const GATE = 0;
const WAKES = 1;
const WAKE_WORDS = 2;

/** Descriptors are ints. */
const FD_MAX = 0x7fffffff;

/** What a loop is made of. */
export interface LoopCoreOptions {
  readonly poller?: PollerKind | undefined;
  readonly trigger?: Trigger | undefined;
  readonly kqueueLibrary?: string | null | undefined;
  readonly signals?: SignalRelayHandle | undefined;
  readonly workerUrl?: string | URL | undefined;
}

/**
 * Wakes a loop; false when it is closed.
 *
 * @throws {TypeError} It is no handle.
 */
export function wakeLoop(handle: WakeHandle): boolean {
  const { gate, target } = handle ?? {};
  if (
    !(gate instanceof SharedArrayBuffer) ||
    gate.byteLength < WAKE_WORDS * 4 || !Number.isInteger(target)
  ) throw new TypeError("EventLoop.wake: the argument is no wakeHandle");
  const words = new Int32Array(gate);
  // Counted first: the loop looks when it wakes.
  add(words, WAKES, 1);
  return ring(words, GATE, target);
}

/**
 * The loop behind both of the public ones: poller, timers and sources of one
 * thread, a turn at a time.
 */
export class LoopCore implements LoopHost {
  readonly poller: Poller;
  readonly wakeHandle: WakeHandle;
  /** Where the loop's threads start; null = beside this library. */
  readonly workerUrl: string | null;
  readonly #name: string;
  readonly #timers: TimerQueue = new TimerQueue(monotonicMs);
  readonly #others: LoopSources;
  readonly #open: Set<LoopSource> = new Set();
  readonly #watches: Map<number, DescriptorWatch> = new Map();
  readonly #wakeListeners: Set<() => void> = new Set();
  readonly #wakeWords: Int32Array;
  readonly #onChange: (() => void) | null;
  #wakesSeen = 0;
  #nextTimerMs = -1;
  #failures: unknown[] = [];
  #told = 0;
  #polled = 0;
  #inTurn = false;
  #closed = false;

  /**
   * @param name Of the public class, for errors.
   * @param onChange Called when what the loop waits for has changed, if the
   * thread runs its event loop between turns; null when it blocks.
   */
  constructor(
    options: LoopCoreOptions,
    name: string,
    onChange: (() => void) | null,
  ) {
    const { poller: kind, trigger, kqueueLibrary, signals, workerUrl } =
      options;
    this.#name = name;
    // First what may throw: a poller has descriptors.
    this.workerUrl = workerUrl === undefined ? null : new URL(workerUrl).href;
    this.poller = openPoller(
      {
        ...(kind === undefined ? {} : { kind }),
        ...(trigger === undefined ? {} : { trigger }),
        ...(kqueueLibrary === undefined ? {} : { kqueueLibrary }),
      },
      name,
    );
    this.#others = new LoopSources(
      this,
      signals ?? null,
      this.workerUrl,
      onChange !== null,
    );
    this.#onChange = onChange;
    const gate = new SharedArrayBuffer(WAKE_WORDS * 4);
    this.#wakeWords = new Int32Array(gate);
    this.wakeHandle = { target: this.poller.wakeTarget, gate };
  }

  get load(): number {
    return this.#open.size + this.#timers.size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  watch(
    fd: number,
    handlers: WatchHandlers,
    interest: Interest | undefined,
    options: WatchOptions,
  ): Watch {
    const call = this.#call("watch");
    checkDescriptor(fd, call);
    checkObject(handlers, "the handlers are", call);
    checkObject(options, "the options are", call);
    checkCallback(handlers.readable ?? nothing, call);
    checkCallback(handlers.writable ?? nothing, call);
    if (interest !== undefined) checkInterest(interest, call);
    const wanted = interest ?? {
      read: handlers.readable !== undefined,
      write: handlers.writable !== undefined,
    };
    const watch = new DescriptorWatch(
      this,
      fd,
      handlers,
      wanted,
      options,
      call,
    );
    // Only a number that was closed and is in use again is taken twice.
    this.#watches.get(fd)?.close();
    this.#watches.set(fd, watch);
    return watch;
  }

  unwatch(fd: number): void {
    const call = this.#call("unwatch");
    checkDescriptor(fd, call);
    const watch = this.#watches.get(fd);
    if (watch === undefined) {
      throw new EventLoopError("ENOENT", call, { fd }, "is not watched");
    }
    watch.close();
  }

  setTimer(delayMs: number, callback: (timer: LoopTimer) => void): OneTimer {
    const call = this.#call("setTimer");
    if (!(Number.isFinite(delayMs) && delayMs >= 0)) {
      throw new TypeError(`${call}: the delay is ${delayMs}, not 0 ms or more`);
    }
    checkCallback(callback, call);
    const timer = new OneTimer(this, this.#timers, delayMs, callback);
    this.changed();
    return timer;
  }

  setTicker(periodMs: number, callback: (missed: number) => void): LoopTimer {
    const call = this.#call("setTicker");
    if (!(Number.isFinite(periodMs) && periodMs > 0)) {
      throw new TypeError(`${call}: the period is ${periodMs}, not above 0 ms`);
    }
    checkCallback(callback, call);
    const timers = this.#timers;
    const timer = new Ticker(
      this,
      timers,
      monotonicMs,
      periodMs,
      callback,
    );
    this.changed();
    return timer;
  }

  onSignal(
    signal: string,
    callback: (event: SignalEvent) => void,
  ): LoopSource {
    const call = this.#call("onSignal");
    checkCallback(callback, call);
    return this.#others.onSignal(signal, callback, call);
  }

  onProcessExit(
    pid: number,
    callback: (exit: ProcessExit) => void,
  ): OpenSource {
    const call = this.#call("onProcessExit");
    if (!(Number.isInteger(pid) && pid > 0 && pid <= FD_MAX)) {
      throw new TypeError(`${call}: ${pid} is no process id`);
    }
    checkCallback(callback, call);
    return this.#others.onProcessExit(pid, callback, call);
  }

  onFileChange(
    path: string,
    callback: (change: FileChange) => void,
  ): OpenSource {
    const call = this.#call("onFileChange");
    if (typeof path !== "string" || path === "" || path.includes("\0")) {
      throw new TypeError(`${call}: ${JSON.stringify(path)} is no path`);
    }
    checkCallback(callback, call);
    return this.#others.onFileChange(path, callback, call);
  }

  onWake(callback: () => void): LoopSource {
    checkCallback(callback, this.#call("onWake"));
    return new WakeSource(this, this.#wakeListeners, callback);
  }

  tell<T>(callback: (argument: T) => void, argument: T): void {
    this.#told++;
    try {
      callback(argument);
    } catch (error) {
      this.#failures.push(error);
    }
  }

  sourceOpened(source: LoopSource): void {
    this.#open.add(source);
    this.changed();
  }

  sourceClosed(source: LoopSource): void {
    this.#open.delete(source);
    if (!(source instanceof DescriptorWatch)) return;
    if (this.#watches.get(source.fd) === source) {
      this.#watches.delete(source.fd);
    }
  }

  changed(): void {
    this.#onChange?.();
  }

  /** Ends the wait of another thread for this loop's poller. */
  interrupt(): void {
    wake(this.poller.wakeTarget);
  }

  /** @throws {EventLoopError} EBADF. */
  assertOpen(method: string): void {
    this.#call(method);
  }

  /** How many descriptors the last turn told, the loop's own among them. */
  get polled(): number {
    return this.#polled;
  }

  /** When the last turn left, ms from then to the next timer; -1 = none. */
  get nextTimerMs(): number {
    return this.#nextTimerMs;
  }

  /**
   * Due timers, then one wait, then what came meanwhile.
   *
   * @returns How many callbacks were called.
   */
  turn(timeoutMs: number, call: string): number {
    if (typeof timeoutMs !== "number" || Number.isNaN(timeoutMs)) {
      throw new TypeError(`${this.#call(call)}: the timeout is no number`);
    }
    if (this.#inTurn) {
      const reason = "the loop runs already";
      throw new EventLoopError("EBUSY", this.#call(call), {}, reason);
    }
    this.#call(call);
    this.#inTurn = true;
    this.#told = 0;
    this.#polled = 0;
    try {
      const nextMs = this.#timers.execute();
      if (!this.#closed) {
        const waitMs = this.#told > 0 ? 0 : soonest(timeoutMs, nextMs);
        this.#polled = this.poller.wait(waitMs);
      }
      if (!this.#closed) this.#tellWakes();
      if (!this.#closed) this.#others.turn();
      if (!this.#closed) this.#nextTimerMs = this.#timers.execute();
    } finally {
      this.#inTurn = false;
      if (this.#closed) this.#release();
    }
    this.#throwFailures();
    return this.#told;
  }

  /** Ends all that is open; at the end of the turn when called inside one. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const source of [...this.#open]) source.close();
    this.#timers.clear();
    closeGate(this.#wakeWords, GATE);
    if (!this.#inTurn) this.#release();
  }

  #release(): void {
    this.#others.close();
    this.poller.close();
  }

  #tellWakes(): void {
    const wakes = load(this.#wakeWords, WAKES);
    if (wakes === this.#wakesSeen) return;
    this.#wakesSeen = wakes;
    // A listener may close itself and open another: that one waits its turn.
    for (const listener of [...this.#wakeListeners]) {
      if (this.#wakeListeners.has(listener)) {
        this.tell<void>(listener, undefined);
      }
    }
  }

  #throwFailures(): void {
    const failures = this.#failures;
    if (failures.length === 0) return;
    this.#failures = [];
    if (failures.length === 1) throw failures[0];
    throw new AggregateError(failures, "Several callbacks threw in one turn");
  }

  /** The name of a call; throws when the loop is closed. */
  #call(method: string): string {
    const call = `${this.#name}.${method}`;
    if (!this.#closed) return call;
    throw new EventLoopError("EBADF", call, {}, "the loop is closed");
  }
}

class WakeSource implements LoopSource {
  readonly #loop: LoopCore;
  readonly #listeners: Set<() => void>;
  readonly #listener: () => void;
  #active = true;

  constructor(
    loop: LoopCore,
    listeners: Set<() => void>,
    callback: () => void,
  ) {
    this.#loop = loop;
    this.#listeners = listeners;
    // A wrapper, so that one function given twice is two listeners.
    this.#listener = () => callback();
    listeners.add(this.#listener);
    loop.sourceOpened(this);
  }

  get active(): boolean {
    return this.#active;
  }

  close(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#listeners.delete(this.#listener);
    this.#loop.sourceClosed(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @throws {EventLoopError} EMFILE and so on, instead of a RangeError. */
function openPoller(options: PollerOptions, call: string): Poller {
  try {
    return createPoller(options);
  } catch (error) {
    if (!(error instanceof PollerOpenError)) throw error;
    const reason = refused(call, {}, error.errno);
    reason.cause = error;
    throw reason;
  }
}

function checkDescriptor(fd: number, call: string): void {
  if (!Number.isInteger(fd)) {
    throw new TypeError(`${call}: ${String(fd)} is no descriptor`);
  }
  if (fd >= 0 && fd <= FD_MAX) return;
  throw new EventLoopError("EBADF", call, { fd }, "is not open");
}

function nothing(): void {}

function checkObject(value: unknown, what: string, call: string): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${call}: ${what} no object`);
}

function checkCallback(callback: unknown, call: string): void {
  if (typeof callback === "function") return;
  throw new TypeError(`${call}: the callback is ${typeof callback}`);
}

/** The shorter of two waits, of which -1 is for ever. */
function soonest(a: number, b: number): number {
  if (a < 0) return b;
  return b < 0 ? a : Math.min(a, b);
}
