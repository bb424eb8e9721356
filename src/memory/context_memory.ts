// libzmq: none · runs on: any · RFC: –

import { add, exchange, get, load } from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import { CHUNK, CHUNK_LEFT, CHUNK_PIN } from "./chunk.ts";
import { THREAD } from "./layout.ts";
import { Blocks } from "./block.ts";
import type { ControlSegment } from "./control_segment.ts";
import type { PayloadSegments, Ref } from "./payload_segments.ts";

/** Memory of the user that a thread lent to the context. */
interface Loan {
  bytes: Uint8Array;
  free: (() => void) | undefined;
}

/** Bytes of lent memory: lengths are 31-bit numbers in the queues. */
const LOAN_BYTES_MAX: number = 2 ** 31 - 1;

/**
 * One thread's view of a context's memory: control and payload, blocks, and
 * what this thread lent.
 */
export class ContextMemory {
  readonly control: ControlSegment;
  readonly payload: PayloadSegments;
  readonly blocks: Blocks;
  /** Slot of this thread. */
  readonly slot: number;
  /** Largest frame that is copied into a pipe, bytes. */
  readonly inlineMax: number;
  /** Messages this thread has received or made and not released. */
  #unreleased = 0;
  #left = false;
  /** Set by a pipe that found no memory for a message. */
  refused = false;
  /** Owner: this thread. Keeps lent memory alive while others read it. */
  readonly #loans: Map<Ref, Loan> = new Map();

  constructor(
    control: ControlSegment,
    payload: PayloadSegments,
    slot: number,
    inlineMax: number,
  ) {
    this.control = control;
    this.payload = payload;
    this.blocks = new Blocks(control, payload);
    this.slot = slot;
    control.record = control.layout.thread(slot);
    this.inlineMax = inlineMax;
  }

  /**
   * Lends the user's memory; 0 at the memory limit.
   *
   * @throws {RangeError} When it is more than a message may be.
   */
  lend(bytes: Uint8Array, free: (() => void) | undefined): Ref {
    if (bytes.length > LOAN_BYTES_MAX) {
      throw new RangeError(
        `Cannot lend ${bytes.length} bytes: at most ${LOAN_BYTES_MAX}`,
      );
    }
    const address = this.control.platform.addressOf(bytes);
    const ref = this.blocks.lend(address, bytes.length, this.slot);
    if (ref !== 0) this.#loans.set(ref, { bytes, free });
    return ref;
  }

  get loanCount(): number {
    return this.#loans.size;
  }

  get unreleasedMessages(): number {
    return this.#unreleased;
  }

  /** A message was received or made. */
  messageMade(): void {
    this.#unreleased++;
  }

  /** The bytes of a message were given back. */
  messageReleased(): void {
    this.#unreleased--;
    if (this.#left) this.#dropIfIdle();
  }

  /**
   * Lets go of the segments as soon as this thread has neither messages nor
   * loans left: from then on its sockets are gone for good.
   */
  leave(): void {
    this.#left = true;
    this.#dropIfIdle();
  }

  #dropIfIdle(): void {
    if (this.#unreleased === 0 && this.#loans.size === 0) this.payload.drop();
  }

  /** Calls back for lent memory that nobody refers to any more. */
  collectLoans(): void {
    const { words, layout } = this.control;
    const list = layout.thread(this.slot) + THREAD.FREED_EXTERNALS;
    if (load(words, list) === 0) return;
    let ref = exchange(words, list, 0);
    while (ref !== 0) {
      const next = this.blocks.nextFreed(ref);
      // Unknown when lent by a thread that had this slot before.
      const loan = this.#loans.get(ref);
      this.#loans.delete(ref);
      this.blocks.destroy(ref);
      ref = next;
      if (loan?.free !== undefined) callBack(loan.free);
    }
    if (this.#left) this.#dropIfIdle();
  }

  // A chunk's pins are in the chunk, since a pipe may move to another thread
  // while views of its chunks are still with the user of this one.

  /** Keeps a chunk while a view of it is with the user. */
  pinChunk(chunk: Ref, _size?: number): void {
    const { words, at } = this.#chunk(chunk);
    add(words, at + CHUNK.PINS, CHUNK_PIN);
  }

  /** A view is gone; the last one frees a chunk that its queue has left. */
  unpinChunk(chunk: Ref): void {
    const { words, at } = this.#chunk(chunk);
    const pins = add(words, at + CHUNK.PINS, -CHUNK_PIN);
    if (pins !== CHUNK_PIN + CHUNK_LEFT) return;
    // Ordering: written before the chunk's first frame was published.
    this.payload.free(chunk, get(words, at + CHUNK.SIZE));
  }

  /** Frees a chunk that a queue is done with, now or after its last view. */
  freeChunk(chunk: Ref, size: number): void {
    const { words, at } = this.#chunk(chunk);
    if (add(words, at + CHUNK.PINS, CHUNK_LEFT) === 0) {
      this.payload.free(chunk, size);
    } else {
      // Not yet free, but behind the reader: its writer may pass the limit now.
      this.control.memoryCameFree();
    }
  }

  #chunk(chunk: Ref): { words: Words; at: number } {
    const { payload } = this;
    return { words: payload.wordsOf(chunk), at: payload.offset(chunk) >>> 2 };
  }
}

/** Runs the user's code; what it throws surfaces as uncaught, not in us. */
function callBack(free: () => void): void {
  try {
    free();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
