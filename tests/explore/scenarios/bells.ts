// What wakes threads of a scene outside of the context's own memory.
import {
  exchange,
  notifyAll,
  store,
  wait,
} from "../../../src/memory/shared_access.ts";
import { zeroed } from "../buffers.ts";

export class Bells {
  /** One for each bell; what is behind them is its scene's own. */
  readonly words: Int32Array;

  constructor(name: string) {
    this.words = new Int32Array(zeroed(name, 64));
  }

  /** What a command does, without one: wakes who waits for this number. */
  ring(bell: number): void {
    store(this.words, bell, 1);
    notifyAll(this.words, bell);
  }

  /** Waits for {@link ring}; one ring is heard once. */
  hear(bell: number): void {
    while (exchange(this.words, bell, 0) === 0) {
      wait(this.words, bell, 0, Infinity);
    }
  }
}
