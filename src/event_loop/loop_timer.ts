// libzmq: timers.{hpp,cpp} · runs on: any · RFC: –

import type { LoopHost } from "./loop_host.ts";
import type { Timer, TimerQueue } from "../poller/timer_queue.ts";

/** A pending timer of a loop. */
export interface LoopTimer extends Disposable {
  /** False when it went off or was cancelled, or when its loop is closed. */
  readonly active: boolean;
  /** Takes it back; nothing happens when it went off already. */
  cancel(): void;
}

/** A timer that goes off once. */
export class OneTimer implements LoopTimer {
  readonly #loop: LoopHost;
  readonly #timers: TimerQueue;
  #timer: Timer | null;
  #dropped = false;

  constructor(
    loop: LoopHost,
    timers: TimerQueue,
    delayMs: number,
    callback: (timer: LoopTimer) => void,
  ) {
    this.#loop = loop;
    this.#timers = timers;
    this.#timer = timers.add(delayMs, () => {
      this.#timer = null;
      loop.tell<LoopTimer>(callback, this);
    });
  }

  get active(): boolean {
    return this.#timer !== null && !this.#loop.closed;
  }

  /** Whether it was cancelled: that it went off is not wanted any more. */
  get dropped(): boolean {
    return this.#dropped;
  }

  cancel(): void {
    this.#dropped = true;
    if (this.#timer === null) return;
    this.#timers.cancel(this.#timer);
    this.#timer = null;
  }

  [Symbol.dispose](): void {
    this.cancel();
  }
}

/** A timer that goes off at start + n·period, for one n after the other. */
export class Ticker implements LoopTimer {
  readonly #loop: LoopHost;
  readonly #timers: TimerQueue;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #periodMs: number;
  readonly #callback: (missedTicks: number) => void;
  #ticks = 1;
  #timer: Timer | null;

  constructor(
    loop: LoopHost,
    timers: TimerQueue,
    now: () => number,
    periodMs: number,
    callback: (missedTicks: number) => void,
  ) {
    this.#loop = loop;
    this.#timers = timers;
    this.#now = now;
    this.#startMs = now();
    this.#periodMs = periodMs;
    this.#callback = callback;
    this.#timer = this.#arm();
  }

  get active(): boolean {
    return this.#timer !== null && !this.#loop.closed;
  }

  cancel(): void {
    if (this.#timer === null) return;
    this.#timers.cancel(this.#timer);
    this.#timer = null;
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  #arm(): Timer {
    // From the start, not from now: lateness does not add up.
    const dueMs = this.#startMs + this.#ticks * this.#periodMs;
    return this.#timers.addAt(dueMs, () => this.#goOff());
  }

  #goOff(): void {
    const elapsed = this.#now() - this.#startMs;
    const passed = Math.floor(elapsed / this.#periodMs);
    const missed = Math.max(0, passed - this.#ticks);
    this.#ticks += missed + 1;
    // Before the callback, which may cancel it.
    this.#timer = this.#arm();
    this.#loop.tell(this.#callback, missed);
  }
}
