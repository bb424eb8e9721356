// libzmq: none · runs on: the producer's thread · RFC: –

import type { ConsumerRows } from "./consumer_rows.ts";
import { Descriptor, DESCRIPTOR_WORDS, PADDING, Word } from "./layout.ts";
import { nextBlock } from "./position.ts";
import type { RingMemory } from "./ring_memory.ts";

/** How sleeping consumers hear of a record. */
export interface Announcer {
  /** The head is about to move to this position. */
  prepare(block: number, low: number): void;
  /** It has moved there. */
  announce(): void;
}

/**
 * Slots that `intent` is ahead of what is written, so that it is stored once in
 * so many records; at most an eighth of the ring, since consumers lose them.
 */
const INTENT_AHEAD_MAX = 64;

/** The writing half of the ring. Owned by the one producer. */
export class RingWriter {
  readonly #memory: RingMemory;
  readonly #announcer: Announcer;
  readonly #rows: ConsumerRows | null;
  readonly #mask: number;
  readonly #slotBytes: number;
  readonly #ahead: number;
  /** The head. */
  #low: number;
  #block: number;
  #intentLow: number;
  #intentBlock: number;
  /** The next record's number. */
  #sequenceLow: number;
  #sequenceBlock: number;

  /** @param rows Those who hold the producer back; null when nobody does. */
  constructor(
    memory: RingMemory,
    first: { readonly block: number; readonly low: number },
    announcer: Announcer,
    rows: ConsumerRows | null,
  ) {
    const { slots, slotBytes } = memory.geometry;
    this.#memory = memory;
    this.#announcer = announcer;
    this.#rows = rows;
    this.#mask = slots - 1;
    this.#slotBytes = slotBytes;
    this.#ahead = Math.min(INTENT_AHEAD_MAX, slots >> 3);
    this.#low = this.#intentLow = this.#sequenceLow = first.low;
    this.#block = this.#intentBlock = this.#sequenceBlock = first.block;
  }

  get low(): number {
    return this.#low;
  }

  get block(): number {
    return this.#block;
  }

  get sequenceLow(): number {
    return this.#sequenceLow;
  }

  get sequenceBlock(): number {
    return this.#sequenceBlock;
  }

  /** How many slots a record of that many bytes takes. */
  slotsOf(length: number): number {
    return length <= this.#slotBytes ? 1 : Math.ceil(length / this.#slotBytes);
  }

  /**
   * Makes so many slots in one piece ready to be written. False when consumers
   * hold the producer back; what it did by then (a padding) stays done.
   */
  reserve(slots: number): boolean {
    const index = this.#low & this.#mask;
    const left = this.#mask + 1 - index;
    if (slots > left) {
      if (!this.#moveIntent(left)) return false;
      this.#publishPadding(left);
    }
    return this.#moveIntent(slots);
  }

  /** Where the record's bytes go, in the file; after `reserve`. */
  get offset(): number {
    const index = this.#low & this.#mask;
    return this.#memory.geometry.dataAt + index * this.#slotBytes;
  }

  /** The place of the record's first `length` bytes; after `reserve`. */
  view(length: number): Uint8Array {
    return this.#memory.view(this.#low & this.#mask, length);
  }

  /** Publishes the record whose bytes were written to `offset`. */
  publish(length: number, slots: number): void {
    const memory = this.#memory;
    const low = this.#low;
    this.#describe(low, length);
    for (let part = 1; part < slots; part++) {
      this.#describe((low + part) | 0, -part);
    }
    const next = (this.#sequenceLow + 1) | 0;
    this.#sequenceBlock = nextBlock(
      this.#sequenceBlock,
      this.#sequenceLow,
      next,
    );
    this.#sequenceLow = next;
    this.#moveHead(memory, slots);
  }

  #publishPadding(slots: number): void {
    this.#describe(this.#low, PADDING);
    // Of the rest only the last is looked at, by who joins right behind it; it
    // tells the number of the record before.
    const last = (this.#low + slots - 1) | 0;
    if (slots > 1) this.#describe(last, 1 - slots);
    for (const low of slots > 1 ? [this.#low, last] : [last]) {
      this.#numberBefore(low);
    }
    this.#moveHead(this.#memory, slots);
  }

  /** Plain: the store of the head orders them before it. */
  #describe(low: number, length: number): void {
    const memory = this.#memory;
    const at = memory.geometry.descriptorsAt +
      (low & this.#mask) * DESCRIPTOR_WORDS;
    memory.put(at + Descriptor.STAMP, low);
    memory.put(at + Descriptor.LENGTH, length);
    memory.put(at + Descriptor.SEQUENCE_LOW, this.#sequenceLow);
    memory.put(at + Descriptor.SEQUENCE_BLOCK, this.#sequenceBlock | 0);
  }

  #numberBefore(low: number): void {
    const memory = this.#memory;
    const at = memory.geometry.descriptorsAt +
      (low & this.#mask) * DESCRIPTOR_WORDS;
    const before = (this.#sequenceLow - 1) | 0;
    const block = this.#sequenceBlock -
      (((this.#sequenceLow >>> 24) - (before >>> 24)) & 0xff);
    memory.put(at + Descriptor.SEQUENCE_LOW, before);
    memory.put(at + Descriptor.SEQUENCE_BLOCK, block | 0);
  }

  #moveHead(memory: RingMemory, slots: number): void {
    const low = (this.#low + slots) | 0;
    const block = nextBlock(this.#block, this.#low, low);
    this.#announcer.prepare(block, low);
    if (block !== this.#block) memory.store(Word.HEAD_BLOCK, block | 0);
    this.#low = low;
    this.#block = block;
    // Publishes the bytes and descriptors before it.
    memory.store(Word.HEAD_LOW, low);
    this.#announcer.announce();
  }

  /** Announces that `slots` slots from the head on are being overwritten. */
  #moveIntent(slots: number): boolean {
    const memory = this.#memory;
    const needed = (this.#low + slots) | 0;
    if (((this.#intentLow - needed) | 0) >= 0) return true;
    // A record as large as the ring must not be overtaken by its own intent.
    let ahead = Math.min(this.#ahead, this.#mask + 1 - slots);
    if (this.#rows !== null) {
      const room = this.#rows.room(this.#block, this.#low);
      if (room < slots) return false;
      ahead = Math.min(ahead, room - slots);
    }
    const low = (needed + ahead) | 0;
    const block = nextBlock(this.#intentBlock, this.#intentLow, low);
    if (block !== this.#intentBlock) {
      memory.store(Word.INTENT_BLOCK, block | 0);
    }
    memory.store(Word.INTENT_LOW, low);
    memory.fenceAfterStore(Word.INTENT_LOW);
    this.#intentLow = low;
    this.#intentBlock = block;
    return true;
  }
}
