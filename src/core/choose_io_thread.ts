// libzmq: ctx.cpp (choose_io_thread) · runs on: any · RFC: –

import { load } from "../memory/shared_access.ts";
import { THREAD } from "../memory/layout.ts";
import type { ControlSegment } from "../memory/control_segment.ts";

/** Slot of the reaper. */
export const REAPER_SLOT = 0;

/** Slot of the first I/O worker. */
export const FIRST_IO_SLOT = 1;

/**
 * The least busy I/O worker among those that an affinity allows.
 *
 * @param affinity Bit n allows worker n; 0 allows all.
 * @returns Its slot, or -1 when the affinity names no existing worker.
 */
export function chooseIoThread(
  control: ControlSegment,
  affinity: number,
): number {
  // What is written as 2^64 - 1 is this as a number: all bits.
  const all = affinity === 0 || affinity >= 2 ** 64;
  let best = -1;
  let bestLoad = Infinity;
  for (let n = 0; n < control.ioThreads; n++) {
    // Affinity is up to 64 bits in a number: no bit operators.
    if (!all && Math.floor(affinity / 2 ** n) % 2 === 0) continue;
    const slot = FIRST_IO_SLOT + n;
    const busy = load(
      control.words,
      control.layout.thread(slot) + THREAD.LOAD,
    );
    if (busy < bestLoad) {
      best = slot;
      bestLoad = busy;
    }
  }
  return best;
}
