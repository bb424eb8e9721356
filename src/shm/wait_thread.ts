// libzmq: none · runs on: app thread · RFC: –

import {
  futexWake,
  gettid,
  interruptThread,
  KeepAlive,
  spawnWorker,
  word,
} from "../../ffi/mod.ts";
import {
  add,
  load,
  notifyAll,
  store,
  wait,
  waitAsync,
} from "../memory/shared_access.ts";
import { Waiting, Word } from "./layout.ts";
import {
  QueueWaiter,
  WaitEnd,
  type WaitOutcome,
  type WaitTarget,
} from "./queue_waiter.ts";

// Words of the board that a consumer shares with its waiting thread.
/** Counts the waits that were asked for; the thread sleeps on this word. */
const ASKED = 0;
/** The last wait that came to its end; the consumer waits for this word. */
const DONE = 1;
const BLOCK = 2;
const LOW = 3;
/** Milliseconds; -1 = without a limit. */
const TIMEOUT = 4;
const RESULT = 5;
const CLOSED = 6;
/** The kernel's id of the thread, 0 before it runs. */
const THREAD = 7;
const BOARD_WORDS = 8;

/** What the word holds; a longer wait ends early, and is asked for again. */
const TIMEOUT_MS_MAX = 0x7fffffff;
/** How long the thread may take to leave a wait, and how often it is told. */
const LEAVE_TRIES = 500;
const LEAVE_TRY_MS = 10;

/** What the thread is told at its start. */
export interface WaitThreadData {
  readonly role: "shm-waiter";
  readonly target: WaitTarget;
  readonly board: SharedArrayBuffer;
}

/** The thread: waits whenever it is asked to, until the board is closed. */
export function runWaitThread(data: WaitThreadData): void {
  const words = new Int32Array(data.board);
  store(words, THREAD, gettid());
  const isClosed = (): boolean => load(words, CLOSED) !== 0;
  let waiter: QueueWaiter | null = null;
  for (let done = 0;;) {
    const asked = load(words, ASKED);
    if (asked === done) {
      if (isClosed()) break;
      wait(words, ASKED, asked, Infinity);
      continue;
    }
    const timeout = load(words, TIMEOUT);
    let end: WaitOutcome = WaitEnd.CANCELLED;
    if (!isClosed()) {
      waiter ??= new QueueWaiter(data.target);
      end = waiter.wait(
        load(words, BLOCK) >>> 0,
        load(words, LOW),
        timeout < 0 ? Infinity : timeout,
        isClosed,
      );
    }
    store(words, RESULT, end);
    done = asked;
    store(words, DONE, done);
    notifyAll(words, DONE);
  }
  waiter?.close();
}

/** A thread that waits for a consumer's records while its own goes on. */
export class WaitThread {
  readonly #target: WaitTarget;
  readonly #words: Int32Array = new Int32Array(
    new SharedArrayBuffer(BOARD_WORDS * 4),
  );
  readonly #keepAlive = new KeepAlive();
  #failure: Error | null = null;
  #closed = false;

  /** @param url Where the thread's code is. */
  constructor(target: WaitTarget, url: string) {
    this.#target = target;
    const data: WaitThreadData = {
      role: "shm-waiter",
      target,
      board: this.#words.buffer as SharedArrayBuffer,
    };
    const worker = spawnWorker(url, data);
    worker.onExit((error) => {
      if (this.#closed) return;
      this.#failure = error ?? new Error("The waiting thread has ended");
      add(this.#words, DONE, 1);
      notifyAll(this.#words, DONE);
    });
  }

  /**
   * Waits until the head is no longer at this position; one wait at a time.
   *
   * @throws {Error} The thread has died.
   */
  async wait(
    block: number,
    low: number,
    timeoutMs: number,
  ): Promise<WaitOutcome> {
    const words = this.#words;
    store(words, BLOCK, block | 0);
    store(words, LOW, low);
    const limit = Math.min(Math.ceil(timeoutMs), TIMEOUT_MS_MAX);
    store(words, TIMEOUT, timeoutMs === Infinity ? -1 : limit);
    const number = add(words, ASKED, 1) + 1;
    notifyAll(words, ASKED);
    this.#keepAlive.retain();
    try {
      for (;;) {
        if (this.#closed) return WaitEnd.CANCELLED;
        if (this.#failure !== null) throw this.#failure;
        const done = load(words, DONE);
        if (done === number) return load(words, RESULT);
        await waitAsync(words, DONE, done);
      }
    } finally {
      this.#keepAlive.release();
    }
  }

  /** Ends the thread; it touches nothing of the queue from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const words = this.#words;
    store(words, CLOSED, 1);
    // Changed, so that a thread that is about to sleep on it does not.
    const asked = add(words, ASKED, 1) + 1;
    notifyAll(words, ASKED);
    for (let tries = 0; tries < LEAVE_TRIES; tries++) {
      const done = load(words, DONE);
      const running = load(words, THREAD) !== 0;
      // One that has not begun yet sees that the board is closed.
      if (done === asked || !running || this.#failure !== null) break;
      this.#interrupt(load(words, THREAD));
      wait(words, DONE, done, LEAVE_TRY_MS);
    }
    // For whoever awaits a wait that has not come to an end.
    store(words, DONE, asked);
    notifyAll(words, DONE);
  }

  #interrupt(threadId: number): void {
    if (this.#target.waiting === Waiting.RECORD_LOCK) {
      interruptThread(threadId);
    } else {
      // Others that sleep there look, and go back to sleep.
      futexWake(word(this.#target.address + Word.HEAD_LOW * 4));
    }
  }
}
