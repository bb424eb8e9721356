// libzmq: dbuffer.hpp, ypipe_conflate.hpp · runs on: any · RFC: –

import { compareExchange, exchange, load, store } from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import { QUEUE } from "./layout.ts";
import type { ContextMemory } from "./context_memory.ts";
import type { Ref } from "./payload_segments.ts";

const MORE = 1;
const LONG = 2;

/** Private memory kept for the next message, bytes. */
const KEPT_BYTES_MAX = 65536;

/** Values of the slot beside a block's reference. */
const EMPTY = 0;
const EMPTY_READER_SLEEPS = 1;

/**
 * Writing side of a pipe that keeps only its newest message. It looks like a
 * QueueWriter to the pipe. The message lies, in wire format, in one block
 * that changes hands by an atomic exchange: the newest one always stays.
 */
export class ConflateWriter {
  readonly #memory: ContextMemory;
  readonly #control: Words;
  readonly #queue: number;
  #bytes: Uint8Array = new Uint8Array(256);
  #length = 0;
  #finished: Ref = 0;
  guaranteed = false;
  written = 0;
  outOfMemory = false;
  readonly completePosition = 0;
  readonly room: number = 2 ** 30;
  /** Nothing passes by the slot: the newest message is the one that stays. */
  readonly loneBytes = 0;
  readonly loneStart = 0;
  readonly bytes: Uint8Array = new Uint8Array(0);

  constructor(memory: ContextMemory, queue: number) {
    this.#memory = memory;
    this.#control = memory.control.words;
    this.#queue = queue;
  }

  updateHwm(): void {}

  hasCredit(): boolean {
    return true;
  }

  credit(): number {
    return 2 ** 30;
  }

  beginMessage(): void {
    this.#length = 0;
    this.outOfMemory = false;
  }

  /** There is no short way: each message takes a block of its own. */
  writeMessage(): boolean {
    return false;
  }

  hasRoomFor(): boolean {
    return false;
  }

  writeFrame(flags: number, body: Uint8Array): boolean {
    const length = body.length;
    this.#reserve(9 + length);
    const bytes = this.#bytes;
    let at = this.#length;
    if (length > 255) {
      bytes[at] = flags | LONG;
      bytes[at + 1] =
        bytes[at + 2] =
        bytes[at + 3] =
        bytes[at + 4] =
          0;
      bytes[at + 5] = length >>> 24;
      bytes[at + 6] = length >>> 16;
      bytes[at + 7] = length >>> 8;
      bytes[at + 8] = length;
      at += 9;
    } else {
      bytes[at] = flags;
      bytes[at + 1] = length;
      at += 2;
    }
    bytes.set(body, at);
    this.#length = at + length;
    return true;
  }

  writeDescriptor(
    flags: number,
    ref: Ref,
    offset: number,
    length: number,
  ): boolean {
    this.writeFrame(flags, this.#memory.blocks.bytes(ref, offset, length));
    this.#memory.blocks.release(ref);
    return true;
  }

  ensureRoom(_need: number): boolean {
    return true;
  }

  readonly drained = false;

  checkDrained(): boolean {
    return false;
  }

  get unfinished(): boolean {
    return this.#length > 0;
  }

  writeRun(source: Uint8Array, from: number, to: number): boolean {
    // Only the last message of a run can survive; find where it begins.
    let start = from;
    let begin = from;
    for (let at = from; at < to;) {
      const flags = source[at] as number;
      at += (flags & LONG) === 0
        ? 2 + (source[at + 1] as number)
        : 9 + (((source[at + 7] as number) << 8) | (source[at + 8] as number));
      if ((flags & MORE) !== 0) continue;
      if (at < to) begin = at;
      start = begin;
    }
    if (start !== from) this.#length = 0;
    this.#reserve(to - start);
    this.#bytes.set(source.subarray(start, to), this.#length);
    this.#length += to - start;
    return true;
  }

  completeMessages(count: number): void {
    this.written = (this.written + count) | 0;
    const { blocks } = this.#memory;
    const length = this.#length;
    this.#length = 0;
    // Guaranteed: nothing could tell the sender that it is lost, and there are
    // a few blocks per pipe at most.
    const ref = blocks.allocate(length, true);
    if (ref !== 0) {
      blocks.bytes(ref, 0, length).set(this.#bytes.subarray(0, length));
    }
    if (this.#bytes.length > KEPT_BYTES_MAX) {
      this.#bytes = new Uint8Array(KEPT_BYTES_MAX);
    }
    // The system has no memory at all: the message before it stays the newest.
    if (ref === 0) return;
    if (this.#finished !== 0) blocks.release(this.#finished);
    this.#finished = ref;
  }

  flush(): boolean {
    if (this.#finished === 0) return true;
    // Ordering: publishes the block's content.
    const before = exchange(
      this.#control,
      this.#queue + QUEUE.SLOT,
      this.#finished,
    );
    this.#finished = 0;
    if (before > EMPTY_READER_SLEEPS) this.#memory.blocks.release(before);
    return before !== EMPTY_READER_SLEEPS;
  }

  rollback(): void {
    this.#length = 0;
  }

  delimit(): void {
    store(this.#control, this.#queue + QUEUE.DELIMITED, 1);
  }

  save(): void {}

  restore(): void {}

  #reserve(more: number): void {
    const need = this.#length + more;
    if (need <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reading side of a pipe that keeps only its newest message. */
export class ConflateReader {
  readonly memory: ContextMemory;
  readonly #control: Words;
  readonly #queue: number;
  /** The message taken last; kept until it is read. */
  chunk: Ref = 0;
  entered = 0;
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  limit = 0;
  flags = 0;
  bodyStart = 0;
  bodyLength = 0;
  read = 0;
  readonly chunkSize = 0;
  #committed = 0;
  readonly #holding: boolean;

  constructor(memory: ContextMemory, queue: number, holding = false) {
    this.memory = memory;
    this.#control = memory.control.words;
    this.#queue = queue;
    this.#holding = holding;
  }

  updateHwm(): void {}

  available(): boolean {
    if (this.offset < this.limit) return true;
    // A holding reader still needs the block until its next commit.
    if (this.#holding && this.chunk !== 0 && this.offset !== this.#committed) {
      return false;
    }
    this.#letGo();
    const slot = this.#queue + QUEUE.SLOT;
    const value = exchange(this.#control, slot, EMPTY);
    if (value > EMPTY_READER_SLEEPS) {
      this.#take(value);
      return true;
    }
    const seen = compareExchange(
      this.#control,
      slot,
      EMPTY,
      EMPTY_READER_SLEEPS,
    );
    return seen === EMPTY ? false : this.available();
  }

  atDelimiter(): boolean {
    if (!this.committed) return false;
    if (load(this.#control, this.#queue + QUEUE.DELIMITED) === 0) return false;
    return !this.available();
  }

  decode(): void {
    const { bytes, offset } = this;
    const flags = bytes[offset] as number;
    this.flags = flags;
    if ((flags & LONG) === 0) {
      this.bodyStart = offset + 2;
      this.bodyLength = bytes[offset + 1] as number;
      return;
    }
    this.bodyStart = offset + 9;
    this.bodyLength = ((bytes[offset + 5] as number) << 24) |
      ((bytes[offset + 6] as number) << 16) |
      ((bytes[offset + 7] as number) << 8) | (bytes[offset + 8] as number);
  }

  advance(): void {
    this.offset = this.bodyStart + this.bodyLength;
  }

  countRead(messages: number): boolean {
    this.read = (this.read + messages) | 0;
    return false;
  }

  tellRead(): boolean {
    return false;
  }

  position(): number {
    return 0;
  }

  get committed(): boolean {
    return !this.#holding || this.chunk === 0;
  }

  commit(): void {
    this.#committed = this.offset;
    if (this.offset === this.limit) this.#letGo();
  }

  rewind(): void {
    this.offset = this.#committed;
  }

  destroy(): void {
    this.#letGo();
    const value = exchange(this.#control, this.#queue + QUEUE.SLOT, EMPTY);
    if (value > EMPTY_READER_SLEEPS) this.memory.blocks.release(value);
  }

  descriptorRef(): Ref {
    return 0;
  }

  descriptorOffset(): number {
    return 0;
  }

  descriptorLength(): number {
    return 0;
  }

  /** Leaves everything in the record, for the next owner. */
  save(): void {
    if (this.offset < this.limit) {
      // Taken and not read: it goes back, unless a newer one has come.
      const slot = this.#queue + QUEUE.SLOT;
      const seen = compareExchange(this.#control, slot, EMPTY, this.chunk);
      if (seen === EMPTY) this.chunk = 0;
    }
    this.#letGo();
  }

  restore(): void {}

  #take(ref: Ref): void {
    const { blocks } = this.memory;
    this.chunk = ref;
    this.entered++;
    this.bytes = blocks.bytes(ref, 0, blocks.length(ref));
    this.offset = this.#committed = 0;
    this.limit = this.bytes.length;
  }

  #letGo(): void {
    if (this.chunk !== 0) this.memory.blocks.release(this.chunk);
    this.chunk = 0;
    this.offset = this.limit = this.#committed = 0;
  }
}
