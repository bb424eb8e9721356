// libzmq: io_thread.cpp, timers.{hpp,cpp} · runs on: any · RFC: –

import { LoopCore, wakeLoop } from "./loop_core.ts";
import type { WakeHandle } from "./loop_core.ts";
import type { LoopSource } from "./loop_host.ts";
import type { LoopTimer } from "./loop_timer.ts";
import type {
  Interest,
  Watch,
  WatchHandlers,
  WatchOptions,
} from "./descriptor_watch.ts";
import type { FileChange } from "./file_source.ts";
import type { PollerKind, Trigger } from "../poller/poller.ts";
import type { ProcessExit } from "./process_source.ts";
import type { SignalRelayHandle } from "./signal_relay.ts";
import type { SignalEvent } from "./signal_source.ts";

/** What an {@linkcode EventLoop} stands on. */
export interface EventLoopOptions {
  /**
   * The system call: `"epoll"` (Linux), `"kqueue"` (macOS, FreeBSD, or with
   * `kqueueLibrary`), `"poll"` or `"select"`. When absent, what the
   * environment's `PUREZMQ_POLLER` names, or the system's best.
   */
  readonly poller?: PollerKind;
  /**
   * `"level"`, the default, or `"edge"`, with which a descriptor that was told
   * ready is told again each turn until {@linkcode Watch.inputExhausted} or
   * {@linkcode Watch.outputExhausted}; that saves system calls. Only for
   * epoll and kqueue.
   */
  readonly trigger?: Trigger;
  /** The file of a library with `kqueue` and `kevent`, where the system has none. */
  readonly kqueueLibrary?: string;
  /**
   * A {@linkcode SignalRelay}'s handle: where signals come from. Needed for
   * {@linkcode EventLoop.onSignal} under Bun on Linux.
   */
  readonly signals?: SignalRelayHandle;
  /**
   * Where the code of the loop's signal thread is loaded from, when not from the
   * package itself: bundled programs name the package's `event-loop-worker` as
   * an entry point and give its address here.
   */
  readonly workerUrl?: string | URL;
}

/**
 * Waits for many things on one thread, and calls back: descriptors, timers,
 * wake-ups from other threads, signals, ends of processes and changes of
 * files.
 *
 * It blocks the thread that runs it: promises, `setTimeout` and messages of
 * that thread stand still meanwhile. So it belongs in a Worker of its own. On a
 * thread that must not block, use {@linkcode AsyncEventLoop}.
 *
 * Close it before its thread ends: what the system opened for it is the
 * process's, and a thread that is terminated closes nothing.
 *
 * Whatever is asked of a closed loop is refused with an
 * {@linkcode EventLoopError} of code EBADF, and a callback that is no function
 * with a TypeError.
 *
 * Callbacks are called one after the other, from {@linkcode EventLoop.run} or
 * {@linkcode EventLoop.runOnce}. What they throw comes out of that call when
 * the turn is through, so that no other event is lost; the loop can be run on.
 *
 * @example A tick, until a timer ends it
 * ```ts
 * import { EventLoop } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 *
 * using loop = new EventLoop();
 * let ticks = 0;
 * loop.setTicker(5, (missedTicks) => ticks += 1 + missedTicks);
 * loop.setTimer(22, () => loop.stop());
 * loop.run();
 * assert.ok(ticks >= 4);
 * ```
 */
export class EventLoop implements Disposable {
  readonly #core: LoopCore;
  #stopped = false;

  /**
   * Opens a poller and its wake-up: two descriptors, with most pollers.
   *
   * @throws {ZmqError} EINVAL: this system does not have what the options ask
   * for; the message says what it has.
   * @throws {EventLoopError} EMFILE, ENFILE: no descriptor left, or for select
   * none below 1024. ENOMEM: no memory.
   */
  constructor(options: EventLoopOptions = {}) {
    this.#core = new LoopCore(options, "EventLoop", null);
  }

  /**
   * Ends a loop's wait and calls its {@linkcode EventLoop.onWake} listeners,
   * from any thread. Wake-ups before the loop's next turn count as one.
   *
   * @param handle The loop's {@linkcode EventLoop.wakeHandle}.
   * @returns False when that loop is closed; then nothing happens.
   * @throws {TypeError} It is no such handle.
   */
  static wake(handle: WakeHandle): boolean {
    return wakeLoop(handle);
  }

  /** For {@linkcode EventLoop.wake}: plain data, to be posted to any thread. */
  get wakeHandle(): WakeHandle {
    return this.#core.wakeHandle;
  }

  /** How many sources and timers are open. */
  get load(): number {
    return this.#core.load;
  }

  /** The system call that the loop stands on. */
  get poller(): PollerKind {
    return this.#core.poller.kind;
  }

  /** When descriptors are told of; see {@linkcode EventLoopOptions.trigger}. */
  get trigger(): Trigger {
    return this.#core.poller.trigger;
  }

  /**
   * Watches a descriptor: a socket, a pipe, a terminal, an eventfd. It should
   * be non-blocking, because what was ready may not be so any more.
   *
   * @param fd The descriptor, which stays the caller's: the watch is closed
   * before it.
   * @param handlers What to call when it is ready.
   * @typeParam D What is registered with the descriptor.
   * @param interest What to tell of at first: of an interest that is given what
   * is true in it, and without one the directions that have a handler.
   * @param options Whether other loops share the descriptor, and what to keep
   * with it.
   * @throws {TypeError} `fd` is no integer, a handler no function, or the
   * interest no object of booleans.
   * @throws {EventLoopError} EBADF: negative or not open, or the loop is
   * closed. EEXIST: watched
   * already. EPERM: a regular file, a directory or a device that is always
   * ready.
   * EMFILE: beyond what select(2) takes (1024). ENOSPC, ENOMEM: see
   * epoll_ctl(2).
   */
  watch<D = undefined>(
    fd: number,
    handlers: WatchHandlers<D>,
    interest?: Interest,
    options: WatchOptions<D> = {},
  ): Watch<D> {
    return this.#core.watch(
      fd,
      handlers as WatchHandlers,
      interest,
      options,
    ) as Watch<D>;
  }

  /**
   * Ends the watch of a descriptor, the same as {@linkcode Watch.close}.
   *
   * @throws {TypeError} `fd` is no integer.
   * @throws {EventLoopError} EBADF: negative, or the loop is closed. ENOENT:
   * not watched.
   */
  unwatch(fd: number): void {
    this.#core.unwatch(fd);
  }

  /**
   * Calls back once. Adding and cancelling cost O(log n) of the pending timers.
   *
   * @param delayMs Milliseconds, 0 or more, with fractions; by the monotonic
   * clock never early, and about a millisecond late when nothing else is due.
   * @throws {TypeError} The delay is negative or no finite number, or the
   * callback no function.
   * @throws {EventLoopError} EBADF: the loop is closed.
   */
  setTimer(delayMs: number, callback: (timer: LoopTimer) => void): LoopTimer {
    return this.#core.setTimer(delayMs, callback);
  }

  /**
   * Calls back again and again, each time computed from the start, so that it
   * does not drift. What was missed, because the process was stopped or a
   * callback took long, is not made up for: it is told as a number.
   *
   * @param periodMs Milliseconds, above 0, with fractions.
   * @param callback Gets the number of ticks that were left out before this
   * one, 0 as a rule.
   * @throws {TypeError} The period is not above 0, or no finite number, or the
   * callback no function.
   * @throws {EventLoopError} EBADF: the loop is closed.
   */
  setTicker(
    periodMs: number,
    callback: (missedTicks: number) => void,
  ): LoopTimer {
    return this.#core.setTicker(periodMs, callback);
  }

  /**
   * Calls back for each signal of a name, which then does not do what it does
   * by default. Other listeners of the program go on being called. When the
   * last one is closed, the default is back.
   *
   * Where signals come from:
   * - from the {@linkcode SignalRelay} whose handle the loop was given;
   * - without one, on macOS and FreeBSD from the kernel (EVFILT_SIGNAL). What a
   *   signal does is the process's: the loop that was the first to listen to it
   *   brings the default back when it stops, also under the loops of other
   *   threads, so several that listen to one signal share a relay;
   * - without one, under Deno on Linux from a thread that the loop starts for
   *   it, because Deno tells every thread of signals, but a blocking one cannot
   *   listen;
   * - without one, under Bun on Linux from nowhere (ENOTSUP): Bun tells only
   *   the main thread, so make a relay there.
   *
   * signalfd(2) is not used: it works only if every thread of the process
   * blocks the signal, and the threads of the runtimes do not.
   *
   * @param signal Its name, such as `"SIGTERM"`.
   * @throws {TypeError} No signal of this system, or the callback no function.
   * @throws {EventLoopError} EINVAL: SIGKILL or SIGSTOP, one that the runtime
   * keeps, or one that the relay does not have. ENOTSUP: see above; also in a
   * bundled program whose loop was given no `workerUrl`. EMTHREAD: the thread
   * that listens did not start (`cause` says why, if that is known) or died.
   * EMFILE: no descriptor left, or 256 loops have this relay. EBADF: the loop
   * is closed.
   */
  onSignal(
    signal: string,
    callback: (event: SignalEvent) => void,
  ): LoopSource {
    return this.#core.onSignal(signal, callback);
  }

  /**
   * Calls back when a process has ended, also one that is no child. The status
   * is left to whoever waits for it, the runtime for example; when that came
   * first, it may be unknown: see {@linkcode ProcessExit.signal}.
   *
   * By pidfd_open(2) on Linux (since 5.3) and EVFILT_PROC elsewhere.
   *
   * @param pid Its id, above 0. A process that has ended but was not yet
   * waited for is told of at once.
   * @throws {TypeError} `pid` is no positive integer, or the callback no
   * function.
   * @throws {EventLoopError} ESRCH: no such process. ENOSYS: Linux before
   * 5.3. EINVAL: the id of a thread. EMFILE: no descriptor left. EBADF: the loop is closed.
   */
  onProcessExit(
    pid: number,
    callback: (exit: ProcessExit) => void,
  ): LoopSource {
    return this.#core.onProcessExit(pid, callback);
  }

  /**
   * Calls back for each change of a file, or of a directory and its entries
   * (not of what is in its subdirectories).
   *
   * By inotify(7) on Linux, which names the entry. Elsewhere by EVFILT_VNODE,
   * which keeps the file open and tells of a directory only that its entries
   * changed.
   *
   * @param path Of the file or directory; of what it points to, when it is a
   * link.
   * @throws {TypeError} Empty, or with a zero byte, or the callback no
   * function.
   * @throws {EventLoopError} ENOENT: no such file. EACCES: not readable.
   * ENOSPC: too many watches (Linux: fs.inotify.max_user_watches). EMFILE: no
   * descriptor left, or too many inotify instances of this user. EBADF: the
   * loop is closed.
   */
  onFileChange(
    path: string,
    callback: (change: FileChange) => void,
  ): LoopSource {
    return this.#core.onFileChange(path, callback);
  }

  /**
   * Calls back after {@linkcode EventLoop.wake}, once per turn.
   *
   * @throws {TypeError} The callback is no function.
   * @throws {EventLoopError} EBADF: the loop is closed.
   */
  onWake(callback: () => void): LoopSource {
    return this.#core.onWake(callback);
  }

  /**
   * Blocks this thread and calls back, until {@linkcode EventLoop.stop} or
   * {@linkcode EventLoop.close} is called, by a callback.
   *
   * @throws {EventLoopError} EBADF: the loop is closed. EBUSY: it runs already.
   * @throws {RangeError} The system cannot wait any more: close the loop.
   * @throws What a callback threw; an AggregateError when several did.
   */
  run(): void {
    const core = this.#core;
    core.assertOpen("run");
    try {
      while (!this.#stopped && !core.closed) core.turn(-1, "run");
    } finally {
      this.#stopped = false;
    }
  }

  /**
   * One turn: calls back for what is due or ready, and waits for something to
   * be so at most `timeoutMs`.
   *
   * @param timeoutMs Milliseconds; 0, the default, does not wait, and -1 waits
   * until something happens.
   * @returns How many callbacks were called; 0 also after a wake-up that
   * nobody listens to.
   * @throws {TypeError} The timeout is no number.
   * @throws As {@linkcode EventLoop.run} does.
   */
  runOnce(timeoutMs: number = 0): number {
    return this.#core.turn(timeoutMs, "runOnce");
  }

  /**
   * Has {@linkcode EventLoop.run} return after this turn, or at once when it is
   * called next. From another thread: {@linkcode EventLoop.wake}, and a
   * listener that stops it.
   */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Ends all sources and timers and closes what the loop opened. The
   * descriptors that were watched stay open. Closing twice does nothing.
   */
  close(): void {
    this.#core.close();
  }

  /** The same as {@linkcode EventLoop.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
