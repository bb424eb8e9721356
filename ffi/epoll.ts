import { monotonicMs } from "./clock.ts";
import { constants } from "./constants.ts";
import { INTERRUPTED, openLibc, outcome, syscall } from "./libc.ts";
import { structLayout } from "./struct_layout.ts";
import { repeatWait, toWaitTime } from "./wait_time.ts";

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
/** Wakes one of several epoll descriptors that wait for the same thing. */
export const EPOLLEXCLUSIVE = 0x10000000;
/** Bit 31, written as the unsigned number that the kernel gives back. */
export const EPOLLET = 0x80000000;

// All in 32-bit words. On systems without epoll nothing here is ever called.
const STRIDE = structLayout.epollEventSize / 4;
const DATA = structLayout.epollEventData / 4;

const controlEvent = new Uint32Array(
  new ArrayBuffer(structLayout.epollEventSize),
);

/** A new epoll descriptor, or negative errno. Linux only. */
export function epollCreate(): number {
  const libc = openLibc();
  // EPOLL_CLOEXEC is the same number as O_CLOEXEC.
  return syscall(libc, () => libc.call.epoll_create1(constants.O_CLOEXEC));
}

/**
 * Adds, removes or changes the interest in `fd`; 0 or negative errno.
 * `data`, a safe integer, comes back with every event.
 */
export function epollControl(
  epfd: number,
  operation: number,
  fd: number,
  events: number,
  data: number,
): number {
  controlEvent[0] = events;
  controlEvent[DATA] = data; // modulo 2^32
  controlEvent[DATA + 1] = Math.floor(data / 2 ** 32);
  const libc = openLibc();
  return syscall(
    libc,
    () => libc.call.epoll_ctl(epfd, operation, fd, controlEvent),
  );
}

/** A reusable buffer for the events that one wait brings. */
export class EpollEvents {
  readonly capacity: number;
  readonly #words: Uint32Array;

  constructor(capacity: number) {
    if (!(capacity >= 1)) {
      throw new RangeError(`Cannot hold events: capacity is ${capacity}`);
    }
    this.capacity = capacity;
    this.#words = new Uint32Array(
      new ArrayBuffer(capacity * structLayout.epollEventSize),
    );
  }

  /**
   * Blocks this thread until an event or the timeout (negative or Infinity:
   * for ever); the number of events, or negative errno.
   */
  wait(epfd: number, timeoutMs: number): number {
    const waitTime = toWaitTime(timeoutMs);
    const startMs = waitTime > 0 ? monotonicMs() : 0;
    const libc = openLibc();
    const words = this.#words;
    const result = outcome(
      libc,
      libc.call.epoll_wait(epfd, words, this.capacity, waitTime),
    );
    if (result !== INTERRUPTED) return result;
    return repeatWait(
      waitTime,
      startMs,
      (left) =>
        outcome(libc, libc.call.epoll_wait(epfd, words, this.capacity, left)),
    );
  }

  /** EPOLL* bits of the event at `index` of the last wait. */
  eventsAt(index: number): number {
    return this.#words[index * STRIDE] as number;
  }

  /** What `epollControl` was given for that descriptor. */
  dataAt(index: number): number {
    const at = index * STRIDE + DATA;
    const words = this.#words;
    return (words[at] as number) + (words[at + 1] as number) * 2 ** 32;
  }
}
