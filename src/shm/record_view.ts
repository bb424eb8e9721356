// libzmq: none · runs on: app thread · RFC: –

import { toBigInt } from "./position.ts";

/** A record where it lies. */
export interface PlacedRecord {
  readonly bytes: Uint8Array;
  readonly low: number;
  readonly block: number;
  readonly sequenceLow: number;
  readonly sequenceBlock: number;
  /** False for a copy, which nobody overwrites. */
  readonly inPlace: boolean;
}

/** What a view asks of its consumer. */
export interface ViewOwner {
  /** Whether the producer may have begun to overwrite the place. */
  isOvertaken(block: number, low: number): boolean;
  /** The view is given back. */
  viewReleased(): void;
}

/**
 * A record where it lies in shared memory, uncopied. It is good until the
 * producer overwrites it, which it may do at any time in a queue that does not
 * hold it back; so look at the bytes, then at what
 * {@linkcode RecordView.release} says, and forget what was made of them when
 * that is false. Taking the next record releases the view before it.
 */
export class RecordView implements Disposable {
  /** The record; read only, and never to be transferred or kept. */
  readonly bytes: Uint8Array;
  readonly #owner: ViewOwner;
  readonly #record: PlacedRecord;
  #verdict: boolean | null = null;

  /** Made by `ShmConsumer.view`. */
  constructor(owner: ViewOwner, record: PlacedRecord) {
    this.#owner = owner;
    this.#record = record;
    this.bytes = record.bytes;
  }

  /** The record's number in its epoch. */
  get sequence(): bigint {
    return toBigInt(this.#record.sequenceBlock, this.#record.sequenceLow);
  }

  /** Whether everything that was read of it so far was the record. */
  get valid(): boolean {
    if (this.#verdict !== null) return this.#verdict;
    const { inPlace, block, low } = this.#record;
    return !inPlace || !this.#owner.isOvertaken(block, low);
  }

  /**
   * Gives the place back.
   *
   * @returns Whether the bytes were the record's until now; the same when it is
   * called again.
   */
  release(): boolean {
    if (this.#verdict === null) {
      this.#verdict = this.valid;
      this.#owner.viewReleased();
    }
    return this.#verdict;
  }

  /** The same as {@linkcode RecordView.release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}
