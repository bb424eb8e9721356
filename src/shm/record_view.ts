// libzmq: none · runs on: app thread · RFC: –

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
  /** The record's number in its epoch. */
  readonly sequence: bigint;
  readonly #owner: ViewOwner;
  readonly #block: number;
  readonly #low: number;
  readonly #inPlace: boolean;
  #verdict: boolean | null = null;

  /** Made by `ShmConsumer.view`. */
  constructor(
    owner: ViewOwner,
    bytes: Uint8Array,
    sequence: bigint,
    place: {
      readonly block: number;
      readonly low: number;
      readonly inPlace: boolean;
    },
  ) {
    this.#owner = owner;
    this.bytes = bytes;
    this.sequence = sequence;
    this.#block = place.block;
    this.#low = place.low;
    this.#inPlace = place.inPlace;
  }

  /** Whether everything that was read of it so far was the record. */
  get valid(): boolean {
    if (this.#verdict !== null) return this.#verdict;
    return !this.#inPlace || !this.#owner.isOvertaken(this.#block, this.#low);
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
