// libzmq: none · runs on: app thread · RFC: –

import { listenToSignal, signalName } from "../../ffi/mod.ts";
import type { SignalBoard } from "./signal_board.ts";

/** The listeners of one thread that write to a board. */
export class SignalListeners {
  readonly #board: SignalBoard;
  /** By number: takes the listener back. */
  readonly #listening: Map<number, () => void> = new Map();

  constructor(board: SignalBoard) {
    this.#board = board;
  }

  /** @throws {Error} The runtime keeps this signal to itself. */
  listen(number: number): void {
    if (this.#listening.has(number)) return;
    const board = this.#board;
    const end = listenToSignal(signalName(number), () => board.count(number));
    this.#listening.set(number, end);
  }

  end(number: number): void {
    this.#listening.get(number)?.();
    this.#listening.delete(number);
  }

  endAll(): void {
    for (const number of [...this.#listening.keys()]) this.end(number);
  }
}
