// libzmq: none · runs on: the signal thread of a loop · RFC: –

import { gettid, KeepAlive } from "../../ffi/mod.ts";
import { load, notifyAll, or, store } from "../memory/shared_access.ts";
import { waitAsync } from "../memory/shared_access.ts";
import {
  ASKED,
  DENIED,
  DONE,
  HELPER_TID,
  SignalBoard,
  WANTED,
} from "./signal_board.ts";
import { SignalListeners } from "./signal_listeners.ts";

const SIGNAL_NUMBER_MAX = 31;

/** Listens to what a loop wants to hear, until it wants nothing more. */
export async function runSignalHelper(
  buffer: SharedArrayBuffer,
): Promise<void> {
  const board = new SignalBoard(buffer);
  const { words } = board;
  store(words, HELPER_TID, gettid());
  const listeners = new SignalListeners(board);
  // Neither listeners nor waits keep the thread.
  const keepAlive = new KeepAlive();
  keepAlive.retain();
  for (;;) {
    const asked = load(words, ASKED);
    const wanted = load(words, WANTED);
    for (let number = 1; number <= SIGNAL_NUMBER_MAX; number++) {
      if ((wanted & (1 << number)) === 0) listeners.end(number);
      else tryListen(board, listeners, number);
    }
    store(words, DONE, asked);
    notifyAll(words, DONE);
    if ((wanted & 1) !== 0) break;
    await waitAsync(words, ASKED, asked);
  }
  keepAlive.release();
}

function tryListen(
  board: SignalBoard,
  listeners: SignalListeners,
  number: number,
): void {
  try {
    listeners.listen(number);
  } catch {
    // Nobody above could do anything about it: the asking thread is told.
    or(board.words, DENIED, 1 << number);
  }
}
