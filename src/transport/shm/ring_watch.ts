// libzmq: none · runs on: io thread · RFC: –

import { errnoNumber, futexWake, spawnWorker, word } from "../../../ffi/mod.ts";
import type { IoContext } from "../../core/transport.ts";
import {
  add,
  load,
  notifyAll,
  store,
  wait,
  type Words,
} from "../../memory/shared_access.ts";
import type { Timer } from "../../poller/timer_queue.ts";
import { Word } from "../../shm/layout.ts";
import type { WaitOutcome, WaitTarget } from "../../shm/queue_waiter.ts";

/** Words that an I/O thread shares with a ring's watcher. */
export const Board = {
  /** Counts the waits that were asked for; the watcher sleeps on it. */
  ASKED: 0,
  /** The last wait that came to its end. */
  DONE: 1,
  /** As DONE, once the watcher touches nothing of others any more. */
  LEFT: 2,
  BLOCK: 3,
  LOW: 4,
  RESULT: 5,
  CLOSED: 6,
  /** The watcher's thread id, once it runs. */
  TID: 7,
  BYTES: 32,
} as const;

/** What a watcher is told at its start. */
export interface RingWatchData {
  readonly role: "ring";
  readonly target: WaitTarget;
  readonly board: SharedArrayBuffer;
  /** Wakes the I/O thread. */
  readonly wakeTarget: number;
}

/** How often the life of a watcher is looked at, and how long it may start, ms. */
const LIFE_CHECK_MS = 1000;
const START_MS_MAX = 20_000;
/** How often a watcher that is to leave its sleep is told, ms. */
const LEAVE_TRY_MS = 10;

// Owner: each I/O thread, which is a JavaScript thread with modules of its own.
const watches: WeakMap<IoContext, Set<RingWatch>> = new WeakMap();

/** The watches of an I/O worker, which looks at them in each turn. */
function watchesOf(io: IoContext): Set<RingWatch> {
  let all = watches.get(io);
  if (all === undefined) {
    const made: Set<RingWatch> = new Set();
    watches.set(io, all = made);
    io.addTurnHook(() => {
      for (const watch of made) watch.collect();
    });
  }
  return all;
}

/**
 * A thread that sleeps on a ring, where no poller can, and wakes the I/O thread
 * when something is there. Owner: the I/O thread.
 */
export class RingWatch {
  readonly #io: IoContext;
  readonly #target: WaitTarget;
  readonly #changed: (end: WaitOutcome) => void;
  readonly #words: Words = new Int32Array(new SharedArrayBuffer(Board.BYTES));
  #startedMs = 0;
  #asked = 0;
  #waiting = false;
  #timer: Timer | null = null;

  /** @param changed Called in a turn of the I/O thread, once for each wait. */
  constructor(
    io: IoContext,
    target: WaitTarget,
    changed: (end: WaitOutcome) => void,
  ) {
    this.#io = io;
    this.#target = target;
    this.#changed = changed;
    watchesOf(io).add(this);
  }

  /** Waits until the head is no longer at this position; one wait at a time. */
  wait(block: number, low: number): void {
    if (this.#waiting) return;
    const words = this.#words;
    this.#waiting = true;
    store(words, Board.BLOCK, block | 0);
    store(words, Board.LOW, low);
    this.#asked = add(words, Board.ASKED, 1) + 1 | 0;
    notifyAll(words, Board.ASKED);
    if (this.#asked === 1) this.#start();
    this.#checkLater();
  }

  /** Hears of a wait that has ended; the watcher has woken this thread. */
  collect(): void {
    if (!this.#waiting) return;
    if (load(this.#words, Board.DONE) !== this.#asked) return;
    this.#end(load(this.#words, Board.RESULT));
  }

  /** Ends the thread; it touches neither the ring nor this thread any more. */
  close(): void {
    const words = this.#words;
    watchesOf(this.#io).delete(this);
    this.#cancelCheck();
    store(words, Board.CLOSED, 1);
    // Changed, so that a watcher that is about to sleep on it does not.
    this.#asked = add(words, Board.ASKED, 1) + 1 | 0;
    notifyAll(words, Board.ASKED);
    for (;;) {
      const left = load(words, Board.LEFT);
      // One that has not begun yet sees that the board is closed.
      if (left === this.#asked || load(words, Board.TID) === 0) return;
      if (this.#isDead) return;
      // Others that sleep there look, and go back to sleep.
      futexWake(word(this.#target.address + Word.HEAD_LOW * 4));
      wait(words, Board.LEFT, left, LEAVE_TRY_MS);
    }
  }

  #start(): void {
    const { platform } = this.#io.thread;
    this.#startedMs = platform.monotonicMs();
    const data: RingWatchData = {
      role: "ring",
      target: this.#target,
      board: this.#words.buffer as SharedArrayBuffer,
      wakeTarget: this.#io.wakeTarget,
    };
    spawnWorker(this.#io.workerUrl, data);
  }

  #end(end: WaitOutcome): void {
    this.#waiting = false;
    this.#cancelCheck();
    this.#changed(end);
  }

  /** An I/O thread hears nothing of ends: they come by the event loop. */
  get #isDead(): boolean {
    const { platform } = this.#io.thread;
    const tid = load(this.#words, Board.TID);
    return tid === 0
      ? platform.monotonicMs() - this.#startedMs > START_MS_MAX
      : !platform.threadAlive(tid);
  }

  #checkLater(): void {
    this.#timer ??= this.#io.timers.add(LIFE_CHECK_MS, () => {
      this.#timer = null;
      if (!this.#waiting) return;
      if (this.#isDead) this.#end(-errnoNumber("ESRCH"));
      else this.#checkLater();
    });
  }

  #cancelCheck(): void {
    if (this.#timer !== null) this.#io.timers.cancel(this.#timer);
    this.#timer = null;
  }
}
