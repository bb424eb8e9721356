// libzmq: msg.hpp (content_t) · runs on: any · RFC: –

import { add, compareExchange, get, load, put } from "./shared_access.ts";
import { H, THREAD } from "./layout.ts";
import type { ControlSegment } from "./control_segment.ts";
import type { PayloadSegments, Ref } from "./payload_segments.ts";

/** Words of a block's header; the body follows. */
const REFERENCES = 0;
const SIZE = 1;
const LENGTH = 2;
/** Slot of the thread that lent the memory, plus one; 0 = our own. */
const LENDER = 3;
const ADDRESS_LOW = 4;
const ADDRESS_HIGH = 5;
/** The next block in its lender's list of those to give back. */
const LINK = 6;

/** Bytes before a block's body. */
export const BLOCK_HEADER_BYTES = 32;

/**
 * Reference-counted message bodies: received by the kernel into a block,
 * shared by all pipes of a fan-out, handed over inproc without a copy.
 */
export class Blocks {
  readonly #control: ControlSegment;
  readonly #payload: PayloadSegments;

  constructor(control: ControlSegment, payload: PayloadSegments) {
    this.#control = control;
    this.#payload = payload;
  }

  /**
   * A block with one reference; 0 at the memory limit. Not zeroed.
   *
   * @param guaranteed May pass the limit: for what the context itself needs.
   */
  allocate(length: number, guaranteed = false): Ref {
    const ref = this.#payload.allocate(
      length + BLOCK_HEADER_BYTES,
      guaranteed,
    );
    if (ref !== 0) this.#init(ref, length, 0);
    return ref;
  }

  /**
   * Makes a block that nobody else refers to larger where it lies; false when
   * there is no room behind it.
   */
  extend(ref: Ref, length: number): boolean {
    const { words, at } = this.#header(ref);
    const size = length + BLOCK_HEADER_BYTES;
    if (!this.#payload.extend(ref, get(words, at + SIZE), size)) return false;
    // Ordering: as in #init.
    put(words, at + SIZE, size);
    put(words, at + LENGTH, length);
    return true;
  }

  /** A block that stands for memory that a thread lends. */
  lend(address: number, length: number, slot: number): Ref {
    const ref = this.#payload.allocate(BLOCK_HEADER_BYTES);
    if (ref === 0) return 0;
    this.#init(ref, length, slot + 1);
    const { words, at } = this.#header(ref);
    put(words, at + SIZE, BLOCK_HEADER_BYTES);
    put(words, at + ADDRESS_LOW, address | 0);
    put(words, at + ADDRESS_HIGH, Math.floor(address / 2 ** 32));
    return ref;
  }

  length(ref: Ref): number {
    const { words, at } = this.#header(ref);
    return get(words, at + LENGTH);
  }

  /** A view of the body; valid while the caller holds a reference. */
  bytes(ref: Ref, offset: number, length: number): Uint8Array {
    const { words, at } = this.#header(ref);
    if (get(words, at + LENDER) !== 0) {
      return this.#control.platform.viewAt(
        this.#lentAddress(ref) + offset,
        length,
      );
    }
    const start = this.#payload.offset(ref) + BLOCK_HEADER_BYTES + offset;
    return this.#payload.bytesOf(ref).subarray(start, start + length);
  }

  /** Address of the body, for the kernel. */
  address(ref: Ref): number {
    const { words, at } = this.#header(ref);
    if (get(words, at + LENDER) !== 0) return this.#lentAddress(ref);
    return this.#payload.addressOf(ref) + BLOCK_HEADER_BYTES;
  }

  retain(ref: Ref, count = 1): void {
    const { words, at } = this.#header(ref);
    add(words, at + REFERENCES, count);
  }

  /** Whether the caller's reference is the only one. */
  unshared(ref: Ref): boolean {
    const { words, at } = this.#header(ref);
    return load(words, at + REFERENCES) === 1 &&
      get(words, at + LENDER) === 0;
  }

  release(ref: Ref): void {
    const { words, at } = this.#header(ref);
    // Ordering: the last release comes after all accesses of the others.
    if (add(words, at + REFERENCES, -1) !== 1) return;
    const lender = get(words, at + LENDER);
    if (lender !== 0) this.#giveBack(ref, lender - 1);
    else this.destroy(ref);
  }

  /** Frees a block without looking at its count. */
  destroy(ref: Ref): void {
    const { words, at } = this.#header(ref);
    this.#control.count(H.BLOCK_COUNT, -1);
    this.#payload.free(ref, get(words, at + SIZE));
  }

  /** The block behind this one in its lender's list; 0 at the end. */
  nextFreed(ref: Ref): Ref {
    const { words, at } = this.#header(ref);
    // Ordering: the exchange that took the list published the links.
    return get(words, at + LINK);
  }

  /** Leaves a block of lent memory for its lender to find. */
  #giveBack(ref: Ref, slot: number): void {
    const { words: control, layout } = this.#control;
    const list = layout.thread(slot) + THREAD.FREED_EXTERNALS;
    const { words, at } = this.#header(ref);
    let head = load(control, list);
    for (;;) {
      // Ordering: published by the compare-and-swap below.
      put(words, at + LINK, head);
      const seen = compareExchange(control, list, head, ref);
      if (seen === head) break;
      head = seen;
    }
    this.#control.announce(slot, 0);
  }

  #init(ref: Ref, length: number, lender: number): void {
    const { words, at } = this.#header(ref);
    // Ordering: others learn of the block through a flush or a command.
    put(words, at + REFERENCES, 1);
    put(words, at + SIZE, length + BLOCK_HEADER_BYTES);
    put(words, at + LENGTH, length);
    put(words, at + LENDER, lender);
    this.#control.count(H.BLOCK_COUNT, 1);
  }

  #lentAddress(ref: Ref): number {
    const { words, at } = this.#header(ref);
    return (get(words, at + ADDRESS_LOW) >>> 0) +
      get(words, at + ADDRESS_HIGH) * 2 ** 32;
  }

  #header(ref: Ref): { words: Int32Array; at: number } {
    return {
      words: this.#payload.wordsOf(ref),
      at: this.#payload.offset(ref) >>> 2,
    };
  }
}
