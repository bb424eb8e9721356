// libzmq: none · runs on: app thread · RFC: –

import { delay, gettid, KeepAlive, spawnWorker } from "../../ffi/mod.ts";
import { load, notifyAll, store, waitAsync } from "../memory/shared_access.ts";
import { LoopCore } from "./loop_core.ts";
import type { WakeHandle } from "./loop_core.ts";
import { EventLoopError } from "./event_loop_error.ts";
import type { LoopSource } from "./loop_host.ts";
import { loopWorkerUrl } from "./loop_sources.ts";
import type { LoopTimer } from "./loop_timer.ts";
import {
  ASKED,
  askWaiter,
  closeWaiter,
  DONE,
  WAITER_WORDS,
  type WaiterData,
} from "./loop_waiter.ts";
import type { Interest, Watch, WatchOptions } from "./descriptor_watch.ts";
import type { FileChange } from "./file_source.ts";
import { choosePollerWithDescriptor } from "../poller/choose_poller.ts";
import { NO_MEMORY_PAUSE_MS, type Trigger } from "../poller/poller.ts";
import type { ProcessExit } from "./process_source.ts";
import type { SignalRelayHandle } from "./signal_relay.ts";
import type { SignalEvent } from "./signal_source.ts";

/**
 * What an {@linkcode AsyncEventLoop} stands on: the system's own epoll or
 * kqueue, also where `PUREZMQ_POLLER` or `PUREZMQ_KQUEUE_LIBRARY` name
 * something else, since of all pollers another thread can wait for these only.
 */
export interface AsyncEventLoopOptions {
  /** See `EventLoopOptions`. */
  readonly trigger?: Trigger;
  /** A {@linkcode SignalRelay}'s handle; needed in a Worker of Bun only. */
  readonly signals?: SignalRelayHandle;
  /**
   * Where the code of the loop's thread is loaded from, when not from the
   * package itself: bundled programs name the package's `event-loop-worker` as
   * an entry point and give its address here.
   */
  readonly workerUrl?: string | URL;
}

/** What happened; `source` is what the call that asked for it returned. */
export type LoopEvent =
  | { readonly type: "readable"; readonly source: Watch }
  | { readonly type: "writable"; readonly source: Watch }
  | {
    readonly type: "timer";
    readonly source: LoopTimer;
    /** Ticks of a ticker that were left out before this one. */
    readonly missedTicks: number;
  }
  | ({ readonly type: "signal"; readonly source: LoopSource } & SignalEvent)
  | ({ readonly type: "exit"; readonly source: LoopSource } & ProcessExit)
  | ({ readonly type: "file"; readonly source: LoopSource } & FileChange)
  | { readonly type: "wake"; readonly source: LoopSource };

/** An event, and whether somebody still wants it. */
interface Pending {
  readonly event: LoopEvent;
  readonly isWanted: () => boolean;
}

/** Turns in a row with something to tell, before others get theirs. */
const BUSY_TURNS_MAX = 16;

/**
 * An event loop for a thread that must not block: what an
 * {@linkcode EventLoop} calls back for, this one yields.
 *
 * A thread of its own sleeps in the system's wait while somebody awaits an
 * event, and only then: nothing is asked of the system while the consumer is
 * busy, so that a descriptor that stays ready does not pile up events. Each
 * descriptor and direction has at most one event waiting.
 *
 * The loop keeps the program running only while an event is awaited. Leaving
 * a `for await` closes it; so does `using`. Close it before its thread ends:
 * what the system opened for it is the process's, and a Worker that is
 * terminated closes nothing.
 *
 * Whatever but an event is asked of a closed loop is refused with an
 * {@linkcode EventLoopError} of code EBADF.
 *
 * @example Everything at once
 * ```ts
 * import { AsyncEventLoop } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 *
 * const loop = new AsyncEventLoop();
 * loop.setTicker(5);
 * let ticks = 0;
 * for await (const event of loop) {
 *   if (event.type === "timer" && ++ticks === 3) break;
 * }
 * assert.equal(ticks, 3);
 * ```
 */
export class AsyncEventLoop implements AsyncIterable<LoopEvent>, Disposable {
  readonly #core: LoopCore;
  readonly #keepAlive = new KeepAlive();
  readonly #words: Int32Array = new Int32Array(
    new SharedArrayBuffer(WAITER_WORDS * 4),
  );
  /** What the last turn told, from `#first` on. */
  #pending: Pending[] = [];
  #first = 0;
  /** Since the thread's event loop had its turn. */
  #busyTurns = 0;
  #started = false;
  #waiting = false;
  #failure: Error | null = null;
  /** Settles when the call of `next` before has; calls take turns. */
  #before: Promise<unknown> = Promise.resolve();

  /**
   * Opens a poller. Its thread starts when an event is first awaited.
   *
   * @throws {ZmqError} EINVAL: no such trigger, or a system without epoll and
   * kqueue.
   * @throws {EventLoopError} EMFILE, ENFILE: no descriptor left. ENOMEM: no
   * memory.
   */
  constructor(options: AsyncEventLoopOptions = {}) {
    const { signals, workerUrl } = options;
    const { kind, trigger, kqueueLibrary } = choosePollerWithDescriptor(
      options,
    );
    this.#core = new LoopCore(
      { poller: kind, trigger, kqueueLibrary, signals, workerUrl },
      "AsyncEventLoop",
      () => this.#changed(),
    );
  }

  /** For {@linkcode EventLoop.wake}: plain data, to be posted to any thread. */
  get wakeHandle(): WakeHandle {
    return this.#core.wakeHandle;
  }

  /** How many sources and timers are open. */
  get load(): number {
    return this.#core.load;
  }

  /**
   * Watches a descriptor; events `readable` and `writable`.
   *
   * @typeParam D What is registered with the descriptor.
   * @param interest What to tell of at first: of an interest that is given what
   * is true in it, and without one that it can be read.
   * @param options Whether other loops share the descriptor, and what to keep
   * with it.
   * @throws As {@linkcode EventLoop.watch} does.
   */
  watch<D = undefined>(
    fd: number,
    interest: Interest = { read: true },
    options: WatchOptions<D> = {},
  ): Watch<D> {
    const readable = (source: Watch): void => {
      // Without interest it is told that it broke, which is wanted as well.
      const isAsked = source.interest.read;
      this.#tell(
        { type: "readable", source },
        () => source.active && (source.interest.read || !isAsked),
      );
    };
    const writable = (source: Watch): void =>
      this.#tell({ type: "writable", source }, () => source.interest.write);
    const handlers = { readable, writable };
    return this.#core.watch(fd, handlers, interest, options) as Watch<D>;
  }

  /**
   * Ends the watch of a descriptor, the same as {@linkcode Watch.close}.
   *
   * @throws As {@linkcode EventLoop.unwatch} does.
   */
  unwatch(fd: number): void {
    this.#core.unwatch(fd);
  }

  /**
   * One event `timer` after a delay.
   *
   * @param delayMs See {@linkcode EventLoop.setTimer}.
   * @throws {TypeError} The delay is negative or no finite number.
   */
  setTimer(delayMs: number): LoopTimer {
    const source = this.#core.setTimer(delayMs, () => {
      const event: LoopEvent = { type: "timer", source, missedTicks: 0 };
      this.#tell(event, () => !source.dropped);
    });
    return source;
  }

  /**
   * Events `timer` again and again. While the consumer is busy, ticks are left
   * out and counted.
   *
   * @param periodMs See {@linkcode EventLoop.setTicker}.
   * @throws {TypeError} The period is not above 0, or no finite number.
   */
  setTicker(periodMs: number): LoopTimer {
    const source: LoopTimer = this.#core.setTicker(
      periodMs,
      (missedTicks) => {
        const event: LoopEvent = { type: "timer", source, missedTicks };
        this.#tell(event, () => source.active);
      },
    );
    return source;
  }

  /**
   * Events `signal`, from this thread's own listener.
   *
   * @param signal Its name, such as `"SIGTERM"`.
   * @throws As {@linkcode EventLoop.onSignal} does; ENOTSUP only in a Worker of
   * Bun that was given no {@linkcode SignalRelay}.
   */
  onSignal(signal: string): LoopSource {
    const source = this.#core.onSignal(signal, (told) => {
      this.#tell({ type: "signal", source, ...told }, () => source.active);
    });
    return source;
  }

  /**
   * An event `exit` when a process has ended.
   *
   * @param pid See {@linkcode EventLoop.onProcessExit}.
   * @throws As {@linkcode EventLoop.onProcessExit} does.
   */
  onProcessExit(pid: number): LoopSource {
    const source = this.#core.onProcessExit(pid, (told) => {
      this.#tell({ type: "exit", source, ...told }, () => !source.dropped);
    });
    return source;
  }

  /**
   * Events `file` for the changes of a file or directory.
   *
   * @param path See {@linkcode EventLoop.onFileChange}.
   * @throws As {@linkcode EventLoop.onFileChange} does.
   */
  onFileChange(path: string): LoopSource {
    const source = this.#core.onFileChange(path, (told) => {
      this.#tell({ type: "file", source, ...told }, () => !source.dropped);
    });
    return source;
  }

  /** Events `wake` after {@linkcode EventLoop.wake}. */
  onWake(): LoopSource {
    const source = this.#core.onWake(() => {
      this.#tell({ type: "wake", source }, () => source.active);
    });
    return source;
  }

  /**
   * The next event; `done` when the loop is closed, also meanwhile. Several
   * calls at a time get one event each, in order.
   *
   * @throws {EventLoopError} EMTHREAD: the loop's thread did not start, or
   * died; `cause` says of what. ENOTSUP: the program is bundled, and the loop
   * was given no `workerUrl`.
   * @throws {RangeError} The system cannot wait any more: close the loop.
   */
  next(): Promise<IteratorResult<LoopEvent, undefined>> {
    const result = this.#before.then(() => this.#next());
    this.#before = result.catch(() => {});
    return result;
  }

  /** Iterates over the events; leaving the iteration closes the loop. */
  [Symbol.asyncIterator](): AsyncIterator<LoopEvent, undefined> {
    return {
      next: () => this.next(),
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /**
   * Ends all sources and timers, the loop's thread, and what it opened. The
   * descriptors that were watched stay open. Closing twice does nothing.
   */
  close(): void {
    const core = this.#core;
    if (core.closed) return;
    this.#pending = [];
    this.#first = 0;
    if (this.#started) closeWaiter(this.#words, () => core.interrupt());
    core.close();
  }

  /** The same as {@linkcode AsyncEventLoop.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #tell(event: LoopEvent, isWanted: () => boolean): void {
    this.#pending.push({ event, isWanted });
  }

  async #next(): Promise<IteratorResult<LoopEvent, undefined>> {
    const core = this.#core;
    while (!core.closed) {
      const event = this.#take();
      if (event !== undefined) return { done: false, value: event };
      if (this.#busyTurns === BUSY_TURNS_MAX) {
        this.#busyTurns = 0;
        await delay(0, () => {});
        if (core.closed) break;
      }
      core.turn(0, "next");
      this.#busyTurns++;
      // What told of nothing that is wanted may have more: an edge comes once,
      // and the poller's descriptor knows nothing of what it left.
      if (this.#pending.length > 0 || core.polled > 0) continue;
      this.#busyTurns = 0;
      // The thread that waits knows nothing of what the system refused.
      if (core.poller.strained === true) {
        await delay(NO_MEMORY_PAUSE_MS, () => {});
      } else await this.#wait(core.nextTimerMs);
    }
    return { done: true, value: undefined };
  }

  /** The first event that is still wanted. */
  #take(): LoopEvent | undefined {
    while (this.#first < this.#pending.length) {
      const { event, isWanted } = this.#pending[this.#first++] as Pending;
      if (isWanted()) return event;
    }
    this.#pending = [];
    this.#first = 0;
    return undefined;
  }

  /** Has the thread wait until there is something to tell. */
  async #wait(timeoutMs: number): Promise<void> {
    const words = this.#words;
    this.#start();
    const number = askWaiter(words, timeoutMs);
    this.#waiting = true;
    this.#keepAlive.retain();
    try {
      while (!this.#core.closed && this.#failure === null) {
        const done = load(words, DONE);
        if (done === number) break;
        await waitAsync(words, DONE, done);
      }
    } finally {
      this.#waiting = false;
      this.#keepAlive.release();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #start(): void {
    if (this.#started) return;
    const url = loopWorkerUrl(this.#core.workerUrl, "AsyncEventLoop.next");
    this.#started = true;
    const { descriptor } = this.#core.poller;
    const data: WaiterData = {
      role: "waiter",
      fd: descriptor ?? -1,
      board: this.#words.buffer as SharedArrayBuffer,
      threadId: gettid(),
    };
    spawnWorker(url, data).onExit((cause) => {
      if (this.#core.closed) return;
      const reason = "the loop's thread did not start, or died";
      const call = "AsyncEventLoop.next";
      this.#failure = new EventLoopError("EMTHREAD", call, {}, reason);
      this.#failure.cause = cause;
      store(this.#words, DONE, load(this.#words, ASKED));
      notifyAll(this.#words, DONE);
    });
  }

  /** Has the thread wait for what is to be waited for now. */
  #changed(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#core.interrupt();
  }
}
