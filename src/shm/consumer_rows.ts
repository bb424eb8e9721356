// libzmq: none · runs on: the producer's thread · RFC: –

import { Row, ROW_WORDS, RowState, Word } from "./layout.ts";
import { blockOf, distance } from "./position.ts";
import type { RingMemory } from "./ring_memory.ts";

/** The first word of a consumer's row. */
export function rowAt(row: number): number {
  return Word.FIRST_ROW + row * ROW_WORDS;
}

/** What the producer knows of the consumers that hold it back. */
export class ConsumerRows {
  readonly #memory: RingMemory;
  readonly #withLock: (row: number, action: () => void) => boolean;

  /**
   * @param withLock Does something with the row's lock taken; false when a
   * living consumer has it.
   */
  constructor(
    memory: RingMemory,
    withLock: (row: number, action: () => void) => boolean,
  ) {
    this.#memory = memory;
    this.#withLock = withLock;
  }

  /** How many consumers hold the producer back. */
  get active(): number {
    let count = 0;
    for (let row = 0; row < this.#memory.geometry.rows; row++) {
      if (this.#isActive(row)) count++;
    }
    return count;
  }

  /** How many slots from the head on nobody needs any more. */
  room(block: number, low: number): number {
    const { rows, slots } = this.#memory.geometry;
    let room = slots;
    for (let row = 0; row < rows; row++) {
      if (this.#isActive(row)) {
        room = Math.min(room, slots - this.#behind(row, block, low));
      }
    }
    return room;
  }

  /** Frees the rows in the way whose consumers are no more; how many. */
  dropDead(block: number, low: number, needed: number): number {
    const { ACTIVE, FREE } = RowState;
    return this.#end(block, low, needed, (row) => {
      let dropped = false;
      // Else somebody who takes the row at this moment would lose it.
      this.#withLock(row, () => {
        const at = rowAt(row) + Row.STATE;
        dropped = this.#memory.compareExchange(at, ACTIVE, FREE) === ACTIVE;
      });
      return dropped;
    });
  }

  /** Lets the consumers go that are in the way; how many. */
  evict(block: number, low: number, needed: number): number {
    return this.#end(block, low, needed, (row) => {
      const { ACTIVE, EVICTED } = RowState;
      const at = rowAt(row) + Row.STATE;
      return this.#memory.compareExchange(at, ACTIVE, EVICTED) === ACTIVE;
    });
  }

  #end(
    block: number,
    low: number,
    needed: number,
    end: (row: number) => boolean,
  ): number {
    const { rows, slots } = this.#memory.geometry;
    let ended = 0;
    for (let row = 0; row < rows; row++) {
      const inTheWay = this.#isActive(row) &&
        slots - this.#behind(row, block, low) < needed;
      if (inTheWay && end(row)) ended++;
    }
    return ended;
  }

  #isActive(row: number): boolean {
    return this.#memory.load(rowAt(row) + Row.STATE) === RowState.ACTIVE;
  }

  #behind(row: number, block: number, low: number): number {
    const rowBlock = this.#memory.load(rowAt(row) + Row.BLOCK) >>> 0;
    const rowLow = this.#memory.load(rowAt(row) + Row.LOW);
    const behind = distance(block, low, blockOf(rowBlock, rowLow), rowLow);
    return Math.max(0, behind);
  }
}
