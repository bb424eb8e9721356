// libzmq: mutex.hpp · runs on: any · RFC: –

import {
  compareExchange,
  exchange,
  load,
  notifyAll,
  wait,
} from "./shared_access.ts";
import type { Words } from "./shared_access.ts";

/** Tries before a thread goes to sleep; the sections are a few hundred ns. */
const SPINS = 200;

/** How long to sleep before looking whether the holder still lives, ms. */
const DEATH_CHECK_INTERVAL_MS = 100;

/** Set beside the holder's thread id when somebody sleeps. */
const CONTENDED = 1 << 30;

/**
 * A lock around one of the context's registries. The word holds the kernel
 * thread id of the holder, so that a holder's death is seen.
 *
 * @returns false when the holder died inside: the registry is not to be
 * trusted any more and the context has failed.
 */
export function acquire(
  words: Words,
  index: number,
  tid: number,
  alive: (tid: number) => boolean,
): boolean {
  for (let i = 0; i < SPINS; i++) {
    if (compareExchange(words, index, 0, tid) === 0) return true;
  }
  for (;;) {
    const held = compareExchange(words, index, 0, tid | CONTENDED);
    if (held === 0) return true;
    const marked = held | CONTENDED;
    if (
      held !== marked &&
      compareExchange(words, index, held, marked) !== held
    ) continue;
    const result = wait(words, index, marked, DEATH_CHECK_INTERVAL_MS);
    if (result !== "timed-out" || alive(held & ~CONTENDED)) continue;
    // It may have let go and ended since: only what it left locked is lost.
    if (load(words, index) === marked) return false;
  }
}

/** Lets go of a lock that this thread holds. */
export function release(words: Words, index: number): void {
  if ((exchange(words, index, 0) & CONTENDED) !== 0) notifyAll(words, index);
}
