import { monotonicMs } from "./clock.ts";
import { constants } from "./constants.ts";
import { INTERRUPTED, openLibc, outcome } from "./libc.ts";
import { structLayout } from "./struct_layout.ts";
import { repeatWait, toWaitTime } from "./wait_time.ts";

export const POLLIN: number = constants.POLLIN;
export const POLLOUT: number = constants.POLLOUT;
export const POLLERR: number = constants.POLLERR;
export const POLLHUP: number = constants.POLLHUP;
export const POLLNVAL: number = constants.POLLNVAL;

/** A reusable array of struct pollfd for poll(2), which every system has. */
export class PollSet {
  readonly capacity: number;
  readonly #ints: Int32Array;
  readonly #shorts: Int16Array;

  constructor(capacity: number) {
    if (!(capacity >= 1)) {
      throw new RangeError(`Cannot poll: capacity is ${capacity}`);
    }
    this.capacity = capacity;
    const buffer = new ArrayBuffer(capacity * structLayout.pollfdSize);
    this.#ints = new Int32Array(buffer);
    this.#shorts = new Int16Array(buffer);
    // A negative descriptor is one that poll skips.
    for (let i = 0; i < capacity; i++) this.#ints[i * 2] = -1;
  }

  /** Entry `index` waits for POLL* `events` of `fd`; fd -1 is skipped. */
  set(index: number, fd: number, events: number): void {
    if (!(index >= 0 && index < this.capacity)) {
      throw new RangeError(`Cannot set entry ${index} of ${this.capacity}`);
    }
    this.#ints[index * 2] = fd;
    this.#shorts[index * 4 + 2] = events;
    this.#shorts[index * 4 + 3] = 0;
  }

  /**
   * Blocks this thread until one of the first `count` entries is ready or the
   * timeout (negative or Infinity: for ever) has passed; the number of ready
   * entries, or negative errno.
   */
  wait(count: number, timeoutMs: number): number {
    if (!(count >= 0 && count <= this.capacity)) {
      throw new RangeError(`Cannot poll ${count} of ${this.capacity} entries`);
    }
    const waitTime = toWaitTime(timeoutMs);
    const startMs = waitTime > 0 ? monotonicMs() : 0;
    const libc = openLibc();
    const entries = this.#ints;
    const size = libc.library.word(count);
    const result = outcome(libc, libc.call.poll(entries, size, waitTime));
    if (result !== INTERRUPTED) return result;
    return repeatWait(
      waitTime,
      startMs,
      (left) => outcome(libc, libc.call.poll(entries, size, left)),
    );
  }

  /** POLL* bits that the last wait found for entry `index`. */
  revents(index: number): number {
    return this.#shorts[index * 4 + 3] as number;
  }
}
