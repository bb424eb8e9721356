// libzmq: none · runs on: any · RFC: –

import { exchange } from "./shared_access.ts";
import { THREAD } from "./layout.ts";
import { Blocks } from "./block.ts";
import type { ControlSegment } from "./control_segment.ts";
import type { PayloadSegments, Ref } from "./payload_segments.ts";

/** Memory of the user that a thread lent to the context. */
interface Loan {
  bytes: Uint8Array;
  free: (() => void) | undefined;
}

/** A chunk that views handed to the user keep alive. */
interface Pin {
  count: number;
  size: number;
  /** The queue is done with it; the last view frees it. */
  left: boolean;
}

/**
 * One thread's view of a context's memory: control and payload, blocks, and
 * what this thread lent or pinned.
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
  unreleasedMessages = 0;
  /** Owner: this thread. Keeps lent memory alive while others read it. */
  readonly #loans: Map<number, Loan> = new Map();
  #nextKey = 1;
  readonly #pins: Map<Ref, Pin> = new Map();

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
    this.inlineMax = inlineMax;
  }

  /** Lends the user's memory; 0 at the memory limit. */
  lend(bytes: Uint8Array, free: (() => void) | undefined): Ref {
    const key = this.#nextKey++;
    const address = this.control.platform.addressOf(bytes);
    const ref = this.blocks.lend(address, bytes.length, this.slot, key);
    if (ref !== 0) this.#loans.set(key, { bytes, free });
    return ref;
  }

  get loanCount(): number {
    return this.#loans.size;
  }

  /** Calls back for lent memory that nobody refers to any more. */
  collectLoans(): void {
    const { words, layout } = this.control;
    const list = layout.thread(this.slot) + THREAD.FREED_EXTERNALS;
    let ref = exchange(words, list, 0);
    while (ref !== 0) {
      const { key, next } = this.blocks.lent(ref);
      const loan = this.#loans.get(key);
      this.#loans.delete(key);
      this.blocks.destroy(ref);
      ref = next;
      loan?.free?.();
    }
  }

  /** Keeps a chunk while a view of it is with the user. */
  pinChunk(chunk: Ref, size: number): void {
    const pin = this.#pins.get(chunk);
    if (pin === undefined) {
      this.#pins.set(chunk, { count: 1, size, left: false });
    } else pin.count++;
  }

  unpinChunk(chunk: Ref): void {
    const pin = this.#pins.get(chunk);
    if (pin === undefined || --pin.count > 0) return;
    this.#pins.delete(chunk);
    if (pin.left) this.payload.free(chunk, pin.size);
  }

  /** Frees a chunk that a queue is done with, now or after its last view. */
  freeChunk(chunk: Ref, size: number): void {
    const pin = this.#pins.get(chunk);
    if (pin !== undefined) pin.left = true;
    else this.payload.free(chunk, size);
  }
}
