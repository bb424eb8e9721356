// libzmq: none · runs on: the waiting thread of a loop · RFC: –

import { POLLIN, PollSet, threadAlive } from "../../ffi/mod.ts";
import { compareExchange, load, notifyAll } from "../memory/shared_access.ts";
import { add, exchange, store, wait } from "../memory/shared_access.ts";
import { pause } from "../poller/poller_failure.ts";

// Words of a waiter's board.
/** Counts the waits that were asked for; the thread sleeps on this word. */
export const ASKED = 0;
/** The last wait that came to its end. */
export const DONE = 1;
/** How long to wait, ms; -1 = until something happens. */
export const TIMEOUT = 2;
/** See {@link WaiterState}. */
export const STATE = 3;
export const WAITER_WORDS = 4;

/** What the thread does. From `CLOSED` on it touches no descriptor. */
export const WaiterState = { IDLE: 0, WAITING: 1, CLOSED: 2 } as const;

/** What the thread is told at its start. */
export interface WaiterData {
  readonly role: "waiter";
  /** Readable when the loop's poller has something to tell. */
  readonly fd: number;
  readonly board: SharedArrayBuffer;
  /** The kernel's id of the loop's thread. */
  readonly threadId: number;
}

/** How often the thread makes sure that somebody still needs it, ms. */
const OWNER_CHECK_MS = 2000;

/** Waits for a poller's descriptor whenever it is asked to. */
export function runWaiter(data: WaiterData): void {
  const words = new Int32Array(data.board);
  const set = new PollSet(1);
  set.set(0, data.fd, POLLIN);
  const ownerLives = (): boolean => threadAlive(data.threadId);
  let done = 0;
  for (;;) {
    if (load(words, STATE) === WaiterState.CLOSED) break;
    const asked = load(words, ASKED);
    if (asked === done) {
      const result = wait(words, ASKED, asked, OWNER_CHECK_MS);
      if (result === "timed-out" && !ownerLives()) break;
      continue;
    }
    // The loop closes the descriptor only when this fails, or after the wait.
    const { IDLE, WAITING } = WaiterState;
    if (compareExchange(words, STATE, IDLE, WAITING) !== IDLE) break;
    const goesOn = pollUntil(set, load(words, TIMEOUT), ownerLives);
    compareExchange(words, STATE, WAITING, IDLE);
    done = asked;
    store(words, DONE, done);
    notifyAll(words, DONE);
    if (!goesOn) break;
  }
}

/** One wait; false when the loop's thread died meanwhile. */
function pollUntil(
  set: PollSet,
  timeoutMs: number,
  ownerLives: () => boolean,
): boolean {
  let left = timeoutMs;
  for (;;) {
    const slice = left < 0 ? OWNER_CHECK_MS : Math.min(left, OWNER_CHECK_MS);
    const result = set.wait(1, slice);
    // No memory for the wait: the loop looks for itself, in a while.
    if (result < 0) pause(slice);
    if (result !== 0) return true;
    if (left >= 0 && (left -= slice) <= 0) return true;
    if (!ownerLives()) return false;
  }
}

/** What the word holds; a longer wait ends early, and is asked for again. */
const TIMEOUT_MS_MAX = 0x7fffffff;

/** Asks for a wait. */
export function askWaiter(words: Int32Array, timeoutMs: number): number {
  store(words, TIMEOUT, Math.min(timeoutMs, TIMEOUT_MS_MAX));
  const number = add(words, ASKED, 1) + 1;
  notifyAll(words, ASKED);
  return number;
}

/** How long a wait may take to end after it was woken, ms. */
const WAITER_LEAVES_MS = 5000;

/**
 * Ends the thread; the descriptor may be closed afterwards.
 *
 * @param wakeUp Makes the descriptor readable.
 */
export function closeWaiter(words: Int32Array, wakeUp: () => void): void {
  const before = exchange(words, STATE, WaiterState.CLOSED);
  const asked = add(words, ASKED, 1);
  notifyAll(words, ASKED);
  if (before === WaiterState.WAITING) {
    wakeUp();
    for (;;) {
      const done = load(words, DONE);
      if (done === asked) break;
      if (wait(words, DONE, done, WAITER_LEAVES_MS) === "timed-out") break;
    }
  }
  // For whoever awaits a wait that will not begin any more.
  store(words, DONE, asked);
  notifyAll(words, DONE);
}
