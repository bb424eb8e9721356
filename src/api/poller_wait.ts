// libzmq: socket_poller.cpp (wait) · runs on: app thread · RFC: –

import { setImmediate } from "node:timers";
import { monotonicMs } from "../../ffi/mod.ts";
import { ZmqError } from "../base/errors.ts";
import { resolveWorkerUrl } from "../worker_platform.ts";
import { context as defaultContext } from "./default_context.ts";
import {
  lookAtSocket,
  type PollEvent,
  type PollItems,
  type SocketItem,
} from "./poller_items.ts";
import { DescriptorWatch } from "./poller_watch.ts";
import { FAST_OPERATIONS_MAX, type SocketState } from "./socket_state.ts";

/** The longest time that timers take, in milliseconds. */
const TIMER_MS_MAX = 0x7fffffff;

/** What the pollers of one thread share. */
class WaitingThread {
  readonly watch: DescriptorWatch = new DescriptorWatch();
  /** Waits in a row that had something at once; see `FAST_OPERATIONS_MAX`. */
  fastWaits = 0;
}

/**
 * The pollers' share of the state of this thread: there is one watcher for all
 * of them. As with contexts, another copy of the library has its own.
 */
export const waitingThread: WaitingThread = new WaitingThread();

/**
 * A wait that blocks nobody. It ends when something is ready, the time has
 * passed, the signal is aborted, or somebody calls `reject`.
 */
export class PendingWait {
  /** What the application awaits. */
  readonly promise: Promise<PollEvent[]>;

  readonly #items: PollItems;
  readonly #onEnd: () => void;
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.reject(this.#signal?.reason);
  #resolve!: (events: PollEvent[]) => void;
  #reject!: (reason: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void)[] = [];
  #unwatchFds: (() => void) | null = null;
  #refreshing = false;
  #begun = false;
  #over = false;

  /**
   * @param onEnd Called when the wait is over, before its promise settles.
   */
  constructor(
    items: PollItems,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    onEnd: () => void,
  ) {
    this.#items = items;
    this.#signal = signal;
    this.#onEnd = onEnd;
    this.#deadlineMs = monotonicMs() + timeoutMs;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (waitingThread.fastWaits < FAST_OPERATIONS_MAX) {
      this.#begin(true);
      return;
    }
    // A loop over waits that always find something would run on microtasks
    // alone, and keep the event loop from turning.
    setImmediate(() => {
      waitingThread.fastWaits = 0;
      if (!this.#over) this.#begin(false);
    });
  }

  /** The items have changed; looks at them when the caller is done. */
  refresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    queueMicrotask(() => {
      this.#refreshing = false;
      // One that has yet to begin looks at the items as they are then.
      if (this.#over || !this.#begun) return;
      this.#stopWatching();
      this.#lookAndWatch();
    });
  }

  /** Ends the wait without a result. */
  reject(reason: unknown): void {
    if (this.#over) return;
    this.#end();
    this.#reject(reason);
  }

  #begin(isFast: boolean): void {
    this.#begun = true;
    this.#lookAndWatch();
    if (isFast && this.#over) waitingThread.fastWaits++;
  }

  /** Looks at everything, and has itself told when nothing is ready. */
  #lookAndWatch(): void {
    const before = this.#turns();
    if (this.#look()) return;
    if (this.#deadlineMs <= monotonicMs()) return this.#finish([]);
    if (this.#items.plan.empty && this.#deadlineMs === Infinity) {
      return this.reject(nothingToWaitFor());
    }
    if (this.#timer === undefined) this.#setTimer();
    this.#startWatching();
    // To ask one socket handles the mail of all, also of those that had said
    // before that they were not ready: nobody tells of that any more.
    if (this.#turns() !== before) this.#look();
  }

  /** Changes when mail is handled, or a socket is closed. */
  #turns(): number {
    let turns = 0;
    for (const { state } of this.#items.plan.sockets) {
      if (state.base !== null) turns += state.base.thread.turns;
    }
    return turns;
  }

  /** Looks at everything; true when the wait is over. */
  #look(): boolean {
    if (this.#over) return true;
    let found: PollEvent[];
    try {
      found = this.#items.look(0, Infinity);
    } catch (error) {
      this.reject(error);
      return true;
    }
    if (found.length > 0) this.#finish(found);
    return this.#over;
  }

  #startWatching(): void {
    try {
      for (const item of this.#items.plan.sockets) {
        this.#unwatch.push(item.state.watch(() => this.#socketChanged(item)));
      }
      this.#watchFds();
    } catch (error) {
      this.reject(error);
    }
  }

  /** Something happened to a socket: mostly not what is waited for. */
  #socketChanged(item: SocketItem): void {
    if (this.#over) return;
    try {
      if (lookAtSocket(item) === null) return;
    } catch (error) {
      this.reject(error);
      return;
    }
    this.#look();
  }

  #watchFds(): void {
    const { fds, fdEvents } = this.#items.plan;
    if (fds.length === 0) return;
    const url = workerUrlFor(this.#items.plan.sockets[0]?.state);
    this.#unwatchFds = waitingThread.watch.start(
      fds,
      fdEvents,
      url,
      (failure) => {
        this.#unwatchFds = null;
        if (failure !== null) this.reject(failure);
        // Somebody else may have taken what was there.
        else if (!this.#look()) this.#watchFds();
      },
    );
  }

  #stopWatching(): void {
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    this.#unwatchFds?.();
    this.#unwatchFds = null;
  }

  #setTimer(): void {
    if (this.#deadlineMs === Infinity) return;
    const left = Math.ceil(this.#deadlineMs - monotonicMs());
    this.#timer = setTimeout(() => {
      // The loop may have been busy for longer, with the very thing that was
      // waited for already there.
      if (this.#look()) return;
      // Timers may fire a little early, and not take the whole time at once.
      if (this.#deadlineMs <= monotonicMs()) this.#finish([]);
      else this.#setTimer();
    }, Math.min(Math.max(left, 1), TIMER_MS_MAX));
  }

  #finish(events: PollEvent[]): void {
    this.#end();
    this.#resolve(events);
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#stopWatching();
    this.#onEnd();
  }
}

/** The error of a wait that could never end. */
export function nothingToWaitFor(): ZmqError {
  return new ZmqError("EFAULT", {
    message: "Cannot wait without a time limit: there is nothing to wait for",
  });
}

/** Where a bundled program has the code of workers. */
function workerUrlFor(state: SocketState | undefined): string {
  const context = (state?.context ?? defaultContext) as typeof defaultContext;
  return resolveWorkerUrl(context.workerUrl);
}
