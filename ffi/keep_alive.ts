import { setInterval } from "node:timers";

/** The longest period that timers take. */
const PERIOD_MS_MAX = 0x7fffffff;

interface RefTimer {
  ref(): unknown;
  unref(): unknown;
}

/**
 * A counted reason for this JS thread's event loop to go on, since a pending
 * promise of Atomics.waitAsync does not keep it alive in either runtime. As
 * long as it is retained it also calls back now and then.
 */
export class KeepAlive {
  readonly #callback: () => void;
  readonly #periodMs: number;
  /** Made when first needed, and never again: only its reference changes. */
  #timer: RefTimer | null = null;
  #count = 0;

  /** @param periodMs Milliseconds between two calls. */
  constructor(
    callback: () => void = () => {},
    periodMs: number = PERIOD_MS_MAX,
  ) {
    this.#callback = callback;
    this.#periodMs = periodMs;
  }

  /** While retained more often than released, the event loop does not end. */
  retain(): void {
    if (++this.#count > 1) return;
    if (this.#timer !== null) {
      this.#timer.ref();
      return;
    }
    this.#timer = setInterval(() => {
      if (this.#count > 0) this.#callback();
    }, this.#periodMs) as unknown as RefTimer;
  }

  release(): void {
    if (this.#count === 0) {
      throw new RangeError("Cannot release: it is not retained");
    }
    if (--this.#count === 0) this.#timer?.unref();
  }
}
