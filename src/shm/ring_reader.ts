// libzmq: none · runs on: the consumer's thread · RFC: –

import { allocateBytes } from "../../ffi/mod.ts";
import { rowAt } from "./consumer_rows.ts";
import {
  Descriptor,
  DESCRIPTOR_WORDS,
  PADDING,
  Row,
  RowState,
  Word,
} from "./layout.ts";
import {
  blockOf,
  COMPARABLE_BLOCKS,
  distance,
  nextBlock,
  toBigInt,
} from "./position.ts";
import type { PlacedRecord } from "./record_view.ts";
import type { RingMemory } from "./ring_memory.ts";

/** Copied out together, when slots are small: one check for all of them. */
const BATCH_BYTES = 16 * 1024;
/** Copies of records up to an eighth of that share their memory. */
const SLAB_BYTES = 64 * 1024;
/** Slots of that size and below are copied together. */
const BATCHED_SLOT_BYTES_MAX = 512;

/** Where a consumer begins. */
export type StartAt = "newest" | "oldest";

/** The same, or the epoch's first record: what it misses of them is lost. */
export type Beginning = StartAt | "first";

/** What the reader asks of its owner. */
export interface ReaderHost {
  /** The ring's content makes no sense: throws. */
  corrupt(what: string): never;
  /** Throws when what was read may be none of the queue's. */
  checkSizeNow(): void;
  /** The producer has let this consumer go: throws. */
  evicted(): never;
  /** The producer may wait for what was just given free. */
  gateMoved(): void;
}

/** The reading half of the ring; each consumer has its own. */
export class RingReader {
  readonly #memory: RingMemory;
  readonly #host: ReaderHost;
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #batchMax: number;
  /** This consumer's row, or -1: it holds nobody back. */
  readonly #row: number;
  /** The next record's place. */
  #low = 0;
  #block = 0;
  /** Up to where this consumer's row says that it has read. */
  #releasedLow = 0;
  /** The head when it was last looked at. */
  #head = 0;
  /** The number of the next record when none gets lost. */
  #expectedLow = 0;
  #expectedBlock = 0;
  /** False until a record was read, when nothing told the number before. */
  #isNumberKnown = true;
  #lost = 0;
  /** Skips since a record was read. */
  #misses = 0;
  #read = 0;
  /** Of the record that was last read. */
  #sequenceLow = 0;
  #sequenceBlock = 0;
  /** Records that were copied but not yet handed out. */
  #slab: Uint8Array = allocateBytes(0);
  #slabUsed = 0;
  readonly #batch: Int32Array;
  #batchAt = 0;
  #batchEnd = 0;
  #batchOffset = 0;

  /** @param row This consumer's row; -1 in a queue that holds nobody back. */
  constructor(
    memory: RingMemory,
    host: ReaderHost,
    start: Beginning,
    row: number,
  ) {
    const { slots, slotBytes } = memory.geometry;
    this.#memory = memory;
    this.#host = host;
    this.#slots = slots;
    this.#slotBytes = slotBytes;
    this.#row = row;
    this.#batchMax = slotBytes <= BATCHED_SLOT_BYTES_MAX
      ? Math.floor(BATCH_BYTES / slotBytes)
      : 0;
    this.#batch = new Int32Array(this.#batchMax * DESCRIPTOR_WORDS);
    // Until nothing was overwritten before the producer knew of this row.
    do {
      this.#join(start);
      if (row >= 0) this.#storeRow();
    } while (row >= 0 && this.isOvertaken(this.#block, this.#low));
  }

  get low(): number {
    return this.#low;
  }

  get block(): number {
    return this.#block;
  }

  /** Records that were overwritten before they could be read. */
  get lost(): number {
    return this.#lost;
  }

  /** Records that were read. */
  get read(): number {
    return this.#read;
  }

  /** The number of the record that was last read. */
  get sequence(): bigint {
    return toBigInt(this.#sequenceBlock, this.#sequenceLow);
  }

  /** The number of the next record when none gets lost. */
  get expected(): bigint | null {
    if (!this.#isNumberKnown) return null;
    return toBigInt(this.#expectedBlock, this.#expectedLow);
  }

  /** How many slots the producer is ahead. */
  get behind(): number {
    const { block, low } = this.#absolute(Word.HEAD_BLOCK, Word.HEAD_LOW);
    return distance(block, low, this.#block, this.#low);
  }

  /** Whether there is something to read, as far as is known. */
  get hasKnown(): boolean {
    return this.#batchAt < this.#batchEnd || this.#low !== this.#head;
  }

  /** Looks where the head is; false when there is nothing new. */
  refresh(): boolean {
    const memory = this.#memory;
    // In this order: the block, which never goes back, is as new as the low
    // word at least, and shows when that has gone round since.
    const low = memory.load(Word.HEAD_LOW);
    const block = memory.load(Word.HEAD_BLOCK) >>> 0;
    if (this.#row >= 0) this.#checkRow();
    if (block - this.#block > COMPARABLE_BLOCKS) {
      this.#skip();
      return this.#low !== this.#head;
    }
    if (((low - this.#low) | 0) < 0) {
      this.#host.corrupt("its head went back");
    }
    this.#head = low;
    return low !== this.#low;
  }

  /** The next record, copied; null when there is none. */
  next(): Uint8Array | null {
    for (;;) {
      if (this.#batchAt < this.#batchEnd) return this.#fromBatch();
      if (this.#low === this.#head && !this.refresh()) return null;
      if (this.#batchMax > 0 && this.#fillBatch()) continue;
      const record = this.#copyOne();
      if (record !== null) return record;
    }
  }

  /**
   * The next record where it lies, null when there is none. It is given free
   * by `release`, in a queue that holds the producer back.
   */
  nextInPlace(): PlacedRecord | null {
    for (;;) {
      if (this.#batchAt < this.#batchEnd) {
        const bytes = this.#fromBatch();
        return this.#placed(bytes, 0, 0, false);
      }
      if (this.#low === this.#head && !this.refresh()) return null;
      const length = this.#describe();
      if (length < 0) continue;
      const { low, block } = this;
      const slot = low & (this.#slots - 1);
      this.#account();
      this.#advance(this.#slotsOf(length));
      const bytes = this.#memory.view(slot, length);
      return this.#placed(bytes, low, block, true);
    }
  }

  #placed(
    bytes: Uint8Array,
    low: number,
    block: number,
    inPlace: boolean,
  ): PlacedRecord {
    const sequenceLow = this.#sequenceLow;
    const sequenceBlock = this.#sequenceBlock;
    return { bytes, low, block, sequenceLow, sequenceBlock, inPlace };
  }

  /**
   * Whether the slot of that position may have been overwritten by now; throws
   * when what was read of it is none of the queue's.
   */
  isOvertaken(block: number, low: number): boolean {
    const overtaken = this.wasOvertaken(block, low);
    // Last: everything that was read before, this too, may be zeros.
    this.#host.checkSizeNow();
    return overtaken;
  }

  /** The same for who looks by himself whether the file is whole. */
  wasOvertaken(block: number, low: number): boolean {
    const memory = this.#memory;
    // What was read of the slot is read before this.
    memory.fenceBeforeLoad();
    const intentLow = memory.load(Word.INTENT_LOW);
    const intentBlock = memory.load(Word.INTENT_BLOCK) >>> 0;
    if (intentBlock - block > COMPARABLE_BLOCKS) return true;
    return ((intentLow - this.#slots - low) | 0) > 0;
  }

  /**
   * Gives free what was read, to a producer that is held back: at once when it
   * waits or may soon, and otherwise in larger pieces, since each costs both of
   * them a cache line. Nothing is kept when all that is known was read.
   */
  release(): void {
    if (this.#row < 0) return;
    const kept = (this.#low - this.#releasedLow) | 0;
    if (
      kept > 0 && kept < this.#slots >> 3 && this.#low !== this.#head &&
      // A producer that is about to wait may find nobody who runs.
      ((this.#head - this.#releasedLow) | 0) < this.#slots >> 1 &&
      this.#memory.load(Word.GATE_WAITING) === 0
    ) return;
    this.#storeRow();
  }

  #storeRow(): void {
    const memory = this.#memory;
    this.#releasedLow = this.#low;
    const at = rowAt(this.#row);
    // The reads before it are done: a store of the row releases them.
    memory.store(at + Row.BLOCK, this.#block | 0);
    memory.store(at + Row.LOW, this.#low);
    if (this.#opensGate) this.#host.gateMoved();
  }

  /** Whether the producer waits for consumers to come as far as this one. */
  get #opensGate(): boolean {
    const memory = this.#memory;
    return memory.load(Word.GATE_WAITING) !== 0 &&
      ((this.#low - memory.load(Word.GATE_LOW)) | 0) >= 0;
  }

  #checkRow(): void {
    const state = this.#memory.load(rowAt(this.#row) + Row.STATE);
    if (state !== RowState.ACTIVE) this.#host.evicted();
  }

  #offset(): number {
    const index = this.#low & (this.#slots - 1);
    return this.#memory.geometry.dataAt + index * this.#slotBytes;
  }

  #slotsOf(length: number): number {
    return length <= this.#slotBytes ? 1 : Math.ceil(length / this.#slotBytes);
  }

  #descriptorAt(low: number): number {
    return this.#memory.geometry.descriptorsAt +
      (low & (this.#slots - 1)) * DESCRIPTOR_WORDS;
  }

  #advance(slots: number): void {
    const low = (this.#low + slots) | 0;
    this.#block = nextBlock(this.#block, this.#low, low);
    this.#low = low;
  }

  /**
   * The length of the record at the reader's place; negative when the place
   * had to move (a padding, or it was overtaken) and is to be looked at again.
   */
  #describe(): number {
    const memory = this.#memory;
    const at = this.#descriptorAt(this.#low);
    // Plain: the load of the head comes before them, the check behind them.
    const stamp = memory.get(at + Descriptor.STAMP);
    const length = memory.get(at + Descriptor.LENGTH);
    this.#sequenceLow = memory.get(at + Descriptor.SEQUENCE_LOW);
    this.#sequenceBlock = memory.get(at + Descriptor.SEQUENCE_BLOCK) >>> 0;
    if (this.isOvertaken(this.#block, this.#low)) {
      this.#skip();
      return -1;
    }
    if (stamp !== this.#low) this.#host.corrupt("a slot has another's stamp");
    if (length === PADDING) {
      this.#advance(this.#slots - (this.#low & (this.#slots - 1)));
      if (((this.#head - this.#low) | 0) < 0) {
        this.#host.corrupt("a padding is longer than what was written");
      }
      this.release();
      return -1;
    }
    const known = (this.#head - this.#low) | 0;
    if (length < 0 || this.#slotsOf(length) > known) {
      this.#host.corrupt(`a record of ${length} bytes in ${known} slots`);
    }
    return length;
  }

  /**
   * Counts what was lost at the end of an epoch, where no next record tells it;
   * for a reader that has come to the last head.
   */
  settle(): void {
    if (this.#misses === 0 || !this.#isNumberKnown) return;
    const [block, low] = [this.#expectedBlock, this.#expectedLow];
    if (!this.#expectNumber((this.#low - 1) | 0, 1)) return;
    const gap = distance(
      this.#expectedBlock,
      this.#expectedLow,
      block,
      low,
    );
    this.#lost += Math.max(0, gap);
    this.#misses = 0;
  }

  /** Counts the record whose number was read by `#describe`. */
  #account(): void {
    if (!this.#isNumberKnown) {
      this.#isNumberKnown = true;
      this.#expectedBlock = this.#sequenceBlock;
      this.#expectedLow = this.#sequenceLow;
    }
    const gap = distance(
      this.#sequenceBlock,
      this.#sequenceLow,
      this.#expectedBlock,
      this.#expectedLow,
    );
    if (gap < 0) this.#host.corrupt("the numbers of its records go back");
    this.#lost += gap;
    this.#read++;
    this.#misses = 0;
    const next = (this.#sequenceLow + 1) | 0;
    this.#expectedBlock = nextBlock(
      this.#sequenceBlock,
      this.#sequenceLow,
      next,
    );
    this.#expectedLow = next;
  }

  #copyOne(): Uint8Array | null {
    const length = this.#describe();
    if (length < 0) return null;
    const from = this.#offset();
    const small = length <= SLAB_BYTES / 8;
    const bytes = small ? this.#room(length) : allocateBytes(length);
    this.#memory.copyOut(bytes, 0, from, from + length);
    if (this.isOvertaken(this.#block, this.#low)) {
      this.#skip();
      return null;
    }
    this.#account();
    this.#advance(this.#slotsOf(length));
    this.release();
    return bytes;
  }

  /** So many bytes of the slab, which small records share. */
  #room(length: number): Uint8Array {
    if (this.#slab.length - this.#slabUsed < length) {
      this.#slab = allocateBytes(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const at = this.#slabUsed;
    // The next ones begin at whole words, where copies are faster.
    this.#slabUsed = at + length + 7 & ~7;
    return this.#slab.subarray(at, at + length);
  }

  /** Copies the records of one slot each that come next; false without one. */
  #fillBatch(): boolean {
    const memory = this.#memory;
    const index = this.#low & (this.#slots - 1);
    const most = Math.min(
      (this.#head - this.#low) | 0,
      this.#slots - index,
      this.#batchMax,
    );
    const batch = this.#batch;
    const words = most * DESCRIPTOR_WORDS;
    const at = this.#descriptorAt(this.#low);
    // Plain: the load of the head comes before them, the check behind them.
    for (let word = 0; word < words; word++) {
      batch[word] = memory.get(at + word);
    }
    let count = 0;
    while (count < most) {
      const length = batch[count * DESCRIPTOR_WORDS + 1] as number;
      if (length < 0 || length > this.#slotBytes) break;
      count++;
    }
    if (count === 0) return false;
    const from = this.#offset();
    const size = count * this.#slotBytes;
    if (this.#slab.length - this.#slabUsed < size) {
      this.#slab = allocateBytes(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    memory.copyOut(this.#slab, this.#slabUsed, from, from + size);
    if (this.isOvertaken(this.#block, this.#low)) {
      this.#skip();
      return true;
    }
    this.#batchOffset = this.#slabUsed;
    this.#slabUsed += size;
    this.#checkStamps(count);
    this.#batchAt = 0;
    this.#batchEnd = count;
    this.#advance(count);
    this.release();
    return true;
  }

  #checkStamps(count: number): void {
    for (let slot = 0; slot < count; slot++) {
      const stamp = this.#batch[slot * DESCRIPTOR_WORDS];
      if (stamp !== ((this.#low + slot) | 0)) {
        this.#host.corrupt("a slot has another's stamp");
      }
    }
  }

  #fromBatch(): Uint8Array {
    const at = this.#batchAt++ * DESCRIPTOR_WORDS;
    const batch = this.#batch;
    this.#sequenceLow = batch[at + Descriptor.SEQUENCE_LOW] as number;
    this.#sequenceBlock = (batch[at + Descriptor.SEQUENCE_BLOCK] as number) >>>
      0;
    this.#account();
    const from = this.#batchOffset;
    this.#batchOffset = from + this.#slotBytes;
    const length = batch[at + Descriptor.LENGTH] as number;
    return this.#slab.subarray(from, from + length);
  }

  /** A position of two words, read so that they belong together. */
  #absolute(blockWord: number, lowWord: number): {
    block: number;
    low: number;
  } {
    const memory = this.#memory;
    for (;;) {
      const before = memory.load(blockWord);
      const low = memory.load(lowWord);
      if (memory.load(blockWord) === before) {
        return { block: blockOf(before >>> 0, low), low };
      }
    }
  }

  #join(start: Beginning): void {
    const memory = this.#memory;
    const low = memory.get(Word.FIRST_LOW);
    const block = memory.get(Word.FIRST_BLOCK) >>> 0;
    this.#place(block, low);
    this.#expectedLow = low;
    this.#expectedBlock = block;
    this.#isNumberKnown = true;
    if (start === "newest") this.#joinNewest(block, low);
    else if (start === "oldest") this.#joinOldest();
    else {
      this.checkedHead();
      if (this.isOvertaken(block, low)) this.#skip();
    }
  }

  #place(block: number, low: number): void {
    this.#block = block;
    this.#low = low;
    this.#head = low;
  }

  /** Behind the newest record, whose number tells that of the next one. */
  #joinNewest(firstBlock: number, firstLow: number): void {
    for (;;) {
      const { block, low } = this.checkedHead();
      this.#place(block, low);
      if (distance(block, low, firstBlock, firstLow) === 0) return;
      if (this.#expectNumber((low - 1) | 0, 1)) return;
      if (this.#standsAtHead()) return;
    }
  }

  #joinOldest(): void {
    for (;;) {
      this.checkedHead();
      if (this.isOvertaken(this.#block, this.#low)) this.#skip();
      this.refresh();
      if (this.#low === this.#head) {
        const before = (this.#low - 1) | 0;
        const isFirst = this.#low === this.#memory.get(Word.FIRST_LOW);
        if (isFirst || this.#expectNumber(before, 1)) return;
        if (this.#standsAtHead()) return;
      } else if (this.#expectNumber(this.#low, 0)) return;
    }
  }

  /**
   * Whether a record as large as the ring is being written, perhaps by a
   * producer that has stopped there: no slot tells a number any more.
   */
  #standsAtHead(): boolean {
    const head = this.checkedHead();
    if (distance(head.block, head.low, this.#block, this.#low) !== 0) {
      return false;
    }
    this.#isNumberKnown = false;
    return true;
  }

  /**
   * The head. What is being written begins there and is not larger than the
   * ring: positions that say otherwise would send a reader round for ever.
   */
  checkedHead(): { block: number; low: number } {
    const begun = this.#absolute(Word.INTENT_BLOCK, Word.INTENT_LOW);
    const head = this.#absolute(Word.HEAD_BLOCK, Word.HEAD_LOW);
    const later = this.#absolute(Word.INTENT_BLOCK, Word.INTENT_LOW);
    if (
      distance(begun.block, begun.low, head.block, head.low) > this.#slots ||
      distance(later.block, later.low, head.block, head.low) < 0
    ) this.#host.corrupt("its head and what is being written are apart");
    return head;
  }

  /** Takes the next number from a slot's descriptor; false if overtaken. */
  #expectNumber(low: number, plus: number): boolean {
    const memory = this.#memory;
    const at = this.#descriptorAt(low);
    const isPadding = plus === 0 &&
      memory.get(at + Descriptor.LENGTH) === PADDING;
    const number = memory.get(at + Descriptor.SEQUENCE_LOW);
    const block = memory.get(at + Descriptor.SEQUENCE_BLOCK) >>> 0;
    const slotBlock = this.#block -
      (((this.#low >>> 24) - (low >>> 24)) & 0xff);
    if (this.isOvertaken(slotBlock, low)) return false;
    this.#expectedLow = (number + plus + (isPadding ? 1 : 0)) | 0;
    this.#expectedBlock = nextBlock(block, number, this.#expectedLow);
    return true;
  }

  /**
   * Goes on at the oldest record that is still there. When that is overwritten
   * before it is read, too, further from there each time: the producer is on
   * its heels. What was left out shows in the next record's number.
   */
  #skip(): void {
    const slots = this.#slots;
    const margins = [0, slots >> 3, slots >> 2, slots >> 1];
    for (;;) {
      const margin = margins[this.#misses++];
      const head = this.checkedHead();
      const intent = this.#absolute(Word.INTENT_BLOCK, Word.INTENT_LOW);
      const low = (intent.low - slots + (margin ?? 0)) | 0;
      const block = intent.block -
        (((intent.low >>> 24) - (low >>> 24)) & 0xff);
      const isBelowHead = distance(head.block, head.low, block, low) > 0;
      if (margin === undefined || !isBelowHead) break;
      if (distance(block, low, this.#block, this.#low) > 0) {
        this.#block = block;
        this.#low = low;
      }
      this.#head = head.low;
      this.#seekBeginning();
      if (!this.isOvertaken(this.#block, this.#low)) {
        this.release();
        return;
      }
    }
    this.#skipToNewest();
    this.release();
  }

  /**
   * Goes on at the newest record, which nobody comes after for now: a producer
   * that stops leaves that one to the slowest reader. Behind it when that is
   * being overwritten, or was read.
   */
  #skipToNewest(): void {
    const { block: ownBlock, low: ownLow } = this;
    const head = this.checkedHead();
    this.#place(head.block, head.low);
    const last = (head.low - 1) | 0;
    // Plain: it counts only if nothing was overwritten afterwards.
    const length = this.#memory.get(
      this.#descriptorAt(last) + Descriptor.LENGTH,
    );
    const back = length < 0 && length !== PADDING ? -length : 0;
    if (back >= this.#slots) return;
    const low = (last - back) | 0;
    const block = head.block -
      (((head.low >>> 24) - (low >>> 24)) & 0xff);
    if (distance(block, low, ownBlock, ownLow) < 0) return;
    if (this.isOvertaken(block, low)) return;
    this.#block = block;
    this.#low = low;
  }

  /** Goes from the middle of a record to the next one's beginning. */
  #seekBeginning(): void {
    const memory = this.#memory;
    for (let passed = 0; this.#low !== this.#head; passed++) {
      if (passed > this.#slots) {
        this.#host.corrupt("its first record is not where it was written");
      }
      const at = this.#descriptorAt(this.#low);
      // Plain: who calls it checks afterwards that nothing was overwritten.
      const length = memory.get(at + Descriptor.LENGTH);
      // Only the ends of a padding are described: between them is what was
      // there a ring before.
      const isOwn = memory.get(at + Descriptor.STAMP) === this.#low;
      if (isOwn && (length >= 0 || length === PADDING)) return;
      this.#advance(1);
    }
  }
}
