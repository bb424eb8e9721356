// libzmq: none · runs on: app thread · RFC: –

import { setTimeout } from "node:timers";
import {
  errnoName,
  gettid,
  KeepAlive,
  MessagePipe,
  monotonicMs,
  onProcessExit,
  signalFd,
  spawnWorker,
  threadAlive,
} from "../../ffi/mod.ts";
import { systemError, ZmqError } from "../base/errors.ts";
import {
  type WatchAnswer,
  type WatcherData,
  WatcherStop,
  WatcherWord,
  type WatchRequest,
} from "../core/descriptor_watcher.ts";
import {
  add,
  compareExchange,
  load,
  notifyAll,
  store,
  wait,
  waitAsync,
} from "../memory/shared_access.ts";

/** How long a watcher without work lives, in milliseconds. */
const IDLE_MS = 2000;

/** How long an ending watcher is waited for, in milliseconds. */
const END_MS_MAX = 1000;

/** How often its life is checked meanwhile, in milliseconds. */
const END_CHECK_INTERVAL_MS = 20;

/** Called once: with null when a descriptor is ready, else with the reason. */
type Answered = (failure: ZmqError | null) => void;

/**
 * Waits for descriptors without blocking this thread: a small worker, the
 * watcher, does that in poll(2). It is started when first needed, and ended
 * when nobody has needed it for a while.
 */
export class DescriptorWatch {
  readonly #waiting: Map<number, Answered> = new Map();
  #users = 0;
  readonly #keepAlive = new KeepAlive();
  #watcher: Watcher | null = null;
  #unhook: (() => void) | null = null;
  #nextId = 1;
  #idleSinceMs = 0;
  #idleTimer = false;

  /** Whether the watcher runs. For tests. */
  get running(): boolean {
    return this.#watcher !== null;
  }

  /**
   * Calls back once, from the event loop, when one of the descriptors may be
   * ready. Keeps the event loop alive until then.
   *
   * @param events POLL* bits for each descriptor.
   * @param workerUrl Module to start the watcher from.
   * @returns A function that takes the request back.
   */
  start(
    fds: readonly number[],
    events: readonly number[],
    workerUrl: string,
    answered: Answered,
  ): () => void {
    const watcher = this.#watcher ??= this.#open(workerUrl);
    const id = this.#nextId++;
    this.#waiting.set(id, answered);
    this.#keepAlive.retain();
    watcher.post({ id, fds, events });
    return () => {
      if (!this.#forget(id)) return;
      this.#watcher?.post({ id, fds: [], events: null });
    };
  }

  /** Takes note of somebody who is going to need the watcher repeatedly. */
  join(): void {
    this.#users++;
  }

  /** The last one who leaves ends the watcher at once. */
  leave(): void {
    if (--this.#users === 0 && this.#waiting.size === 0) this.#stop();
  }

  #open(workerUrl: string): Watcher {
    this.#unhook ??= onProcessExit(() => this.#stop());
    return new Watcher(
      workerUrl,
      (watcher) => this.#collect(watcher),
      (watcher, error) => this.#fail(watcher, error),
    );
  }

  #collect(watcher: Watcher): void {
    for (;;) {
      const answer = watcher.take();
      if (answer === undefined) return;
      const answered = this.#waiting.get(answer.id);
      if (answered === undefined) continue;
      this.#forget(answer.id);
      const { errno } = answer;
      answered(errno < 0 ? systemError(errnoName(-errno), errno) : null);
    }
  }

  /** The watcher died: whoever waits for it would wait for ever. */
  #fail(watcher: Watcher, cause: Error | null): void {
    if (watcher !== this.#watcher) return;
    this.#watcher = null;
    const all = [...this.#waiting];
    for (const [id, answered] of all) {
      this.#forget(id);
      answered(
        new ZmqError("EOWNERDEAD", {
          message: "The thread that waits for descriptors died" +
            (cause === null ? "" : ` of ${cause}`),
          cause: cause ?? undefined,
        }),
      );
    }
  }

  #forget(id: number): boolean {
    if (!this.#waiting.delete(id)) return false;
    this.#keepAlive.release();
    if (this.#waiting.size === 0) {
      this.#idleSinceMs = monotonicMs();
      this.#endWhenIdle(IDLE_MS);
    }
    return true;
  }

  #endWhenIdle(delayMs: number): void {
    if (this.#idleTimer) return;
    this.#idleTimer = true;
    setTimeout(() => {
      this.#idleTimer = false;
      // Whoever waits now sets the timer again at the end.
      if (this.#waiting.size > 0 || this.#watcher === null) return;
      const left = this.#idleSinceMs + IDLE_MS - monotonicMs();
      if (left > 0) this.#endWhenIdle(left);
      else this.#stop();
    }, delayMs).unref();
  }

  #stop(): void {
    this.#unhook?.();
    this.#unhook = null;
    this.#watcher?.stop();
    this.#watcher = null;
  }
}

/** The watcher as its owner sees it. */
class Watcher {
  readonly #channel: MessagePipe;
  readonly #words = new Int32Array(
    new SharedArrayBuffer(4 * WatcherWord.COUNT),
  );
  readonly #onAnswers: (watcher: Watcher) => void;
  #over = false;

  constructor(
    workerUrl: string,
    onAnswers: (watcher: Watcher) => void,
    onDeath: (watcher: Watcher, error: Error | null) => void,
  ) {
    const { near, far } = MessagePipe.open();
    this.#channel = near;
    this.#onAnswers = onAnswers;
    const data: WatcherData = {
      role: "watcher",
      port: far,
      words: this.#words.buffer as SharedArrayBuffer,
      ownerTid: gettid(),
    };
    spawnWorker(workerUrl, data, [far]).onExit((error) => {
      if (this.#over) return;
      this.#over = true;
      this.#channel.close();
      onDeath(this, error);
    });
    this.#listen();
  }

  post(request: WatchRequest): void {
    this.#channel.post(request);
    this.#wake();
  }

  take(): WatchAnswer | undefined {
    if (this.#over) return undefined;
    return this.#channel.take() as WatchAnswer | undefined;
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    const words = this.#words;
    store(words, WatcherWord.STOP, WatcherStop.WANTED);
    this.#wake();
    // Ordering: the last use of the watcher's descriptor lies behind us.
    if (
      compareExchange(
        words,
        WatcherWord.STOP,
        WatcherStop.WANTED,
        WatcherStop.LEFT,
      ) === WatcherStop.WANTED
    ) {
      notifyAll(words, WatcherWord.STOP);
      this.#awaitEnd();
    }
    this.#channel.close();
    // Lets go of the promise that still stands.
    add(words, WatcherWord.BELL, 1);
    notifyAll(words, WatcherWord.BELL);
  }

  /**
   * Blocks for the moment that the watcher takes to close its descriptor: a
   * thread that ends takes its workers along, whatever they are doing.
   */
  #awaitEnd(): void {
    const words = this.#words;
    const deadline = monotonicMs() + END_MS_MAX;
    while (
      load(words, WatcherWord.WAKE_FD) !== 0 && monotonicMs() < deadline &&
      threadAlive(load(words, WatcherWord.TID))
    ) wait(words, WatcherWord.STOP, WatcherStop.LEFT, END_CHECK_INTERVAL_MS);
  }

  #wake(): void {
    const target = load(this.#words, WatcherWord.WAKE_FD);
    if (target > 0) signalFd(target - 1);
  }

  /** Hears of answers from the event loop. */
  #listen(): void {
    if (this.#over) return;
    const words = this.#words;
    const seen = load(words, WatcherWord.BELL);
    this.#onAnswers(this);
    const rung = waitAsync(words, WatcherWord.BELL, seen) ?? Promise.resolve();
    rung.then(() => this.#listen());
  }
}
