// libzmq: none · runs on: the thread that watches a ring · RFC: –

import { gettid, wake } from "../../../ffi/mod.ts";
import { load, notifyAll, store, wait } from "../../memory/shared_access.ts";
import { QueueWaiter, type WaitOutcome } from "../../shm/queue_waiter.ts";
import { Board, type RingWatchData } from "./ring_watch.ts";

/** Sleeps on a ring whenever it is asked to, until the board is closed. */
export function runRingWatch(data: RingWatchData): void {
  const words = new Int32Array(data.board);
  store(words, Board.TID, gettid());
  const isClosed = (): boolean => load(words, Board.CLOSED) !== 0;
  let waiter: QueueWaiter | null = null;
  for (let done = 0;;) {
    const asked = load(words, Board.ASKED);
    if (isClosed()) break;
    if (asked === done) {
      wait(words, Board.ASKED, asked, Infinity);
      continue;
    }
    waiter ??= new QueueWaiter(data.target);
    const block = load(words, Board.BLOCK) >>> 0;
    const low = load(words, Board.LOW);
    const end: WaitOutcome = waiter.wait(block, low, Infinity, isClosed);
    store(words, Board.RESULT, end);
    store(words, Board.DONE, asked);
    // The I/O thread waits with its end, so its descriptor is still its own.
    wake(data.wakeTarget);
    done = asked;
    store(words, Board.LEFT, done);
    notifyAll(words, Board.LEFT);
  }
  waiter?.close();
  store(words, Board.LEFT, load(words, Board.ASKED));
  notifyAll(words, Board.LEFT);
}
