// libzmq: ypipe.hpp, yqueue.hpp, pipe.cpp (credit) · runs on: any · RFC: 23/ZMTP (frame format)

import {
  compareExchange,
  exchange,
  get,
  load,
  put,
  store,
} from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import { QUEUE } from "./layout.ts";
import { CHUNK, CHUNK_HEADER_BYTES, PrivateFlag } from "./chunk.ts";
import type { Ref } from "./payload_segments.ts";
import type { ContextMemory } from "./context_memory.ts";

const LONG = 2;

/** Messages read before the count is told to the writer, at the most. */
const CREDIT_STEP_MAX = 64;

/**
 * The reading side of a queue of frames.
 *
 * Owner: one thread. It sees whole messages only. A chunk is freed when the
 * reader leaves it or, in a holding reader, when {@link commit} says that
 * everything before the current place has been delivered.
 */
export class QueueReader {
  readonly memory: ContextMemory;
  readonly #control: Words;
  readonly #queue: number;

  /** The chunk's segment, and the frames from `offset` to `limit` in it. */
  bytes: Uint8Array = NOTHING;
  offset = 0;
  limit = 0;

  chunk: Ref = 0;
  /** Counts chunks entered: tells a chunk from its reincarnation. */
  entered = 0;
  #chunkWords: Words = NO_WORDS;
  #base = 0;
  /** Doubled position of `#base`, and the flush point seen (libzmq's r). */
  #start = 0;
  #flushSeen = 0;

  /** The front frame, set by {@link decode}. */
  flags = 0;
  bodyStart = 0;
  bodyLength = 0;

  /** Whole messages read, and how many of them the writer knows of. */
  #read = 0;
  #readTold = 0;
  #creditStep = 1;

  /** Chunks passed and not committed, and where the commit stands. */
  readonly #holding: boolean;
  readonly #held: Ref[] = [];
  #committedChunk: Ref = 0;
  #committedOffset = 0;
  #committedStart = 0;

  constructor(memory: ContextMemory, queue: number, holding = false) {
    this.memory = memory;
    this.#control = memory.control.words;
    this.#queue = queue;
    this.#holding = holding;
    this.updateHwm();
  }

  /** Messages read so far; wraps. */
  get read(): number {
    return this.#read;
  }

  updateHwm(): void {
    const writer = load(this.#control, this.#queue + QUEUE.HWM_WRITER);
    const reader = load(this.#control, this.#queue + QUEUE.HWM_READER);
    this.#creditStep = creditStep(Math.max(writer, 0) + Math.max(reader, 0));
  }

  /**
   * Whether a frame is at the front. When not, the reader counts as asleep
   * and the next flush wakes it by activate_read.
   */
  available(): boolean {
    return this.offset < this.limit || this.#refill();
  }

  /** Whether the writer delimited the queue and all of it was read. */
  atDelimiter(): boolean {
    // What the kernel has not accepted yet is not delivered.
    if (this.#holding && !this.committed) return false;
    if (load(this.#control, this.#queue + QUEUE.DELIMITED) === 0) return false;
    // Ordering: what was flushed before the delimiter is visible by now.
    return !this.available();
  }

  /** Reads the header of the front frame; {@link available} said yes. */
  decode(): void {
    const bytes = this.bytes;
    const at = this.offset;
    const flags = bytes[at] as number;
    this.flags = flags;
    if ((flags & LONG) === 0) {
      this.bodyStart = at + 2;
      this.bodyLength = bytes[at + 1] as number;
    } else {
      this.bodyStart = at + 9;
      // A frame that fits a chunk has a length below 2^16.
      this.bodyLength = ((bytes[at + 7] as number) << 8) |
        (bytes[at + 8] as number);
    }
  }

  /** Steps behind the front frame. */
  advance(): void {
    this.offset = this.bodyStart + this.bodyLength;
  }

  /** Counts messages as read; true when the writer must be woken. */
  countRead(messages: number): boolean {
    this.#read = (this.#read + messages) | 0;
    if (((this.#read - this.#readTold) | 0) < this.#creditStep) return false;
    return this.tellRead();
  }

  /** Tells the writer how much was read; true when it must be woken. */
  tellRead(): boolean {
    const words = this.#control;
    const queue = this.#queue;
    const read = this.#read;
    if (read === this.#readTold) return false;
    this.#readTold = read;
    // Ordering: see QueueWriter.hasCredit.
    store(words, queue + QUEUE.READ, read);
    if (load(words, queue + QUEUE.BLOCKED) === 0) return false;
    if (((read - load(words, queue + QUEUE.WAKE_AT)) | 0) < 0) return false;
    return exchange(words, queue + QUEUE.BLOCKED, 0) !== 0;
  }

  /** Doubled position of the front. */
  position(): number {
    return (this.#start + 2 * (this.offset - this.#base)) | 0;
  }

  /** Everything before the front is delivered: it will not be read again. */
  commit(): void {
    this.#committedChunk = this.chunk;
    this.#committedOffset = this.offset;
    this.#committedStart = this.#start;
    if (this.#held.length === 0) return;
    // Ordering: before the memory comes free and wakes who waits for it.
    store(this.#control, this.#queue + QUEUE.RELEASED, this.#start);
    for (const chunk of this.#held) this.#freeChunk(chunk);
    this.#held.length = 0;
  }

  /** Whether everything before the front was committed. */
  get committed(): boolean {
    return this.#held.length === 0 && (this.chunk === 0 ||
      (this.chunk === this.#committedChunk &&
        this.offset === this.#committedOffset));
  }

  /** Goes back to the place of the last {@link commit}. */
  rewind(): void {
    if (this.chunk === 0) return;
    const chunk = this.#committedChunk !== 0
      ? this.#committedChunk
      : load(this.#control, this.#queue + QUEUE.FIRST_CHUNK);
    this.#held.length = 0;
    this.#enter(chunk, this.#committedStart);
    if (this.#committedChunk !== 0) this.offset = this.#committedOffset;
    this.limit = this.offset;
    this.#committedChunk = chunk;
    this.#committedOffset = this.offset;
  }

  /**
   * Frees everything that is left; the writer has let go of the queue.
   * Blocks named by frames that nobody read are released.
   */
  destroy(): void {
    const first = this.#queue + QUEUE.FIRST_CHUNK;
    if (load(this.#control, first) === 0) return;
    if (this.#holding) this.rewind();
    while (this.available()) {
      this.decode();
      if ((this.flags & PrivateFlag.DESCRIPTOR) !== 0) {
        this.memory.blocks.release(this.descriptorRef());
      }
      this.advance();
    }
    if (this.#holding) this.commit();
    let chunk = this.chunk !== 0 ? this.chunk : load(this.#control, first);
    while (chunk !== 0) {
      const { payload } = this.memory;
      const at = payload.offset(chunk) >>> 2;
      const next = get(payload.wordsOf(chunk), at + CHUNK.NEXT);
      this.#freeChunk(chunk);
      chunk = next;
    }
    store(this.#control, first, 0);
    this.chunk = this.#committedChunk = 0;
    this.offset = this.limit = 0;
  }

  /** Block that the front frame, a descriptor, names. */
  descriptorRef(): Ref {
    return getUint32(this.bytes, this.bodyStart);
  }

  /** Where in the block the front frame's body starts. */
  descriptorOffset(): number {
    return getUint32(this.bytes, this.bodyStart + 4);
  }

  /** Bytes of the front frame's body in the block. */
  descriptorLength(): number {
    return getUint32(this.bytes, this.bodyStart + 8);
  }

  /**
   * Leaves the private state in the record, for the next owner. What a holding
   * reader has not committed will be read again.
   */
  save(): void {
    if (this.#holding) this.rewind();
    const words = this.#control;
    const saved = this.#queue + QUEUE.READER_STATE;
    // Ordering: the command that hands over the pipe publishes these.
    put(words, saved, this.chunk);
    put(words, saved + 1, this.offset);
    put(words, saved + 2, this.#start);
    put(words, saved + 3, this.#flushSeen);
    put(words, saved + 4, this.#read);
    put(words, saved + 5, this.#readTold);
  }

  /** Takes over what {@link save} left. */
  restore(): void {
    const words = this.#control;
    const saved = this.#queue + QUEUE.READER_STATE;
    const chunk = get(words, saved);
    if (chunk !== 0) {
      this.#enter(chunk, get(words, saved + 2));
      this.offset = this.limit = get(words, saved + 1);
      this.#committedChunk = chunk;
      this.#committedOffset = this.offset;
      this.#committedStart = this.#start;
    }
    this.#flushSeen = get(words, saved + 3);
    this.#read = get(words, saved + 4);
    this.#readTold = get(words, saved + 5);
  }

  #refill(): boolean {
    for (;;) {
      const here = this.position();
      if (here === this.#flushSeen && !this.#pollFlush(here)) return false;
      if (this.chunk === 0) {
        // Ordering: stored before the flush that was just seen.
        const first = load(this.#control, this.#queue + QUEUE.FIRST_CHUNK);
        this.#enter(first, 0);
        this.#committedStart = 0;
      }
      const at = (this.#base - CHUNK_HEADER_BYTES) >>> 2;
      const used = load(this.#chunkWords, at + CHUNK.USED);
      const consumed = this.offset - this.#base;
      if (used === consumed) {
        this.#follow(get(this.#chunkWords, at + CHUNK.NEXT));
        continue;
      }
      const flushed = ((this.#flushSeen - here) | 0) >>> 1;
      const inChunk = used < 0 ? flushed : Math.min(flushed, used - consumed);
      this.limit = this.offset + inChunk;
      return true;
    }
  }

  /** Looks for a newer flush point; false marks this reader as asleep. */
  #pollFlush(here: number): boolean {
    const seen = compareExchange(
      this.#control,
      this.#queue + QUEUE.FLUSHED,
      here,
      here | 1,
    );
    if ((seen & ~1) === here) return false;
    this.#flushSeen = seen & ~1;
    return true;
  }

  #follow(next: Ref): void {
    const left = this.chunk;
    const start = this.position();
    this.#enter(next, start);
    if (this.#holding) {
      this.#held.push(left);
      return;
    }
    // Ordering: before the memory comes free and wakes who waits for it.
    store(this.#control, this.#queue + QUEUE.RELEASED, start);
    this.#freeChunk(left);
  }

  #enter(chunk: Ref, start: number): void {
    const { payload } = this.memory;
    this.chunk = chunk;
    this.entered++;
    this.bytes = payload.bytesOf(chunk);
    this.#chunkWords = payload.wordsOf(chunk);
    this.#base = payload.offset(chunk) + CHUNK_HEADER_BYTES;
    this.offset = this.#base;
    this.limit = this.#base;
    this.#start = start;
  }

  #freeChunk(chunk: Ref): void {
    const { payload } = this.memory;
    const at = payload.offset(chunk) >>> 2;
    const size = get(payload.wordsOf(chunk), at + CHUNK.SIZE);
    this.memory.freeChunk(chunk, size);
  }

  /** Size of the current chunk, bytes. */
  get chunkSize(): number {
    return get(
      this.#chunkWords,
      ((this.#base - CHUNK_HEADER_BYTES) >>> 2) + CHUNK.SIZE,
    );
  }
}

const NOTHING = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);

function getUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}

/**
 * How many messages to read between two reports: a divisor of the low-water
 * mark, so that the report that makes room comes exactly there.
 */
function creditStep(hwm: number): number {
  const lwm = (hwm + 1) >>> 1;
  for (let step = Math.min(lwm, CREDIT_STEP_MAX); step > 1; step--) {
    if (lwm % step === 0) return step;
  }
  return 1;
}
