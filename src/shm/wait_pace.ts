// libzmq: none · runs on: the thread that waits for a queue · RFC: –

import { wait } from "../memory/shared_access.ts";

/** Waits shorter than this, ms, are those of a stream. */
const SHORT_WAIT_MS = 0.1;
/** So many of them in a row, before a thread naps. */
const SHORT_WAITS_MIN = 8;
/** How long a nap is, ms: as much as that may be added to a record's latency. */
const NAP_MS = 0.1;

/**
 * Whether a consumer sleeps until it is woken, or naps.
 *
 * Where a crowd is woken for each record of a stream, every one of them runs in
 * front of the producer, reads that record and sleeps again: dozens of changes
 * of threads for each record. Consumers that nap meanwhile, without being woken,
 * find many records each time.
 */
export class WaitPace {
  readonly #napWord: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  #shortWaits = 0;

  /** Whether to nap instead of sleeping, with so much time left, ms. */
  isNapping(leftMs: number): boolean {
    return this.#shortWaits >= SHORT_WAITS_MIN && leftMs >= NAP_MS;
  }

  nap(): void {
    wait(this.#napWord, 0, 0, NAP_MS);
  }

  /** A nap brought nothing: the stream is over. */
  napInVain(): void {
    this.#shortWaits = 0;
  }

  /**
   * A wait ended with a record, after a sleep or without one.
   *
   * @param inCrowd Whether many were woken at once of late.
   */
  woken(afterMs: number, inCrowd: boolean): void {
    if (!inCrowd || afterMs >= SHORT_WAIT_MS) this.#shortWaits = 0;
    else this.#shortWaits++;
  }
}
