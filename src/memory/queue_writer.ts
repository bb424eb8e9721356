// libzmq: ypipe.hpp, yqueue.hpp, pipe.cpp (credit) · runs on: any · RFC: 23/ZMTP (frame format)

import { assert } from "../base/assert.ts";
import { exchange, get, load, put, store } from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import { QUEUE, THREAD } from "./layout.ts";
import {
  CHUNK,
  CHUNK_HEADER_BYTES,
  DESCRIPTOR_BYTES,
  FIRST_CHUNK_BYTES,
  PrivateFlag,
  SECOND_CHUNK_BYTES,
} from "./chunk.ts";
import { CHUNK_BYTES } from "./size_class.ts";
import type { Ref } from "./payload_segments.ts";
import type { ContextMemory } from "./context_memory.ts";

const LONG = 2;

/**
 * Bytes of chunks in one queue: doubled positions are compared as signed 32-bit
 * numbers, and the last chunk may pass the bound.
 */
const QUEUE_BYTES_MAX: number = 2 ** 30 - 2 * CHUNK_BYTES;

/** A message up to this size can be completed at the memory limit, bytes. */
export const GUARANTEED_MESSAGE_BYTES: number = 512 * 1024;

/**
 * The writing side of a queue of frames in ZMTP 3.1 format.
 *
 * Owner: one thread. A message becomes visible whole, by one atomic exchange
 * of the flush point. Positions are byte counts, doubled and wrapping, so
 * that the flush point's lowest bit can say that the reader sleeps.
 */
export class QueueWriter {
  readonly #memory: ContextMemory;
  readonly #control: Words;
  readonly #queue: number;

  /** Current chunk; 0 before the first byte. */
  #chunk: Ref = 0;
  #bytes: Uint8Array = NOTHING;
  #chunkWords: Words = NO_WORDS;
  #base = 0;
  #offset = 0;
  #end = 0;
  /** Doubled position of `#base`. */
  #start = 0;
  /** End of the last complete message (libzmq's f) and of the last flush (w). */
  #complete = 0;
  #flushed = 0;
  /** Where the unfinished message began. */
  #messageChunk: Ref = 0;
  #messageOffset = 0;
  #messageStart = 0;
  readonly #messageBlocks: Ref[] = [];
  /** What is written now may pass the memory limit. */
  guaranteed = false;
  /** Start of the chunk in which the last complete message ends. */
  #completeStart = 0;
  /** Whole messages written; wraps. */
  #written = 0;
  #readSeen = 0;
  /** Messages that may wait; 0 = no limit. */
  #hwm = 0;
  #outOfMemory = false;
  /** Whether the refusals for want of credit go on, which count as one. */
  #stalled = false;

  constructor(memory: ContextMemory, queue: number) {
    this.#memory = memory;
    this.#control = memory.control.words;
    this.#queue = queue;
    this.updateHwm();
  }

  /** Messages written so far; wraps. */
  get written(): number {
    return this.#written;
  }

  /** Whether the last refusal was for want of memory, not of credit. */
  get outOfMemory(): boolean {
    return this.#outOfMemory;
  }

  /** Reads the high-water marks of both sides again. */
  updateHwm(): void {
    const writer = load(this.#control, this.#queue + QUEUE.HWM_WRITER);
    const reader = load(this.#control, this.#queue + QUEUE.HWM_READER);
    if (writer === 0 || reader === 0) this.#hwm = 0;
    else this.#hwm = Math.max(writer, 0) + Math.max(reader, 0);
    this.#stalled = false;
  }

  /**
   * Whether one more message may be written. When not, the reader will send
   * activate_write once it has read enough.
   */
  hasCredit(): boolean {
    const hwm = this.#hwm;
    if (hwm === 0) return true;
    if (((this.#written - this.#readSeen) | 0) < hwm) return true;
    this.#readSeen = load(this.#control, this.#queue + QUEUE.READ);
    if (((this.#written - this.#readSeen) | 0) < hwm) {
      this.#stalled = false;
      return true;
    }
    const lwm = (hwm + 1) >>> 1;
    this.#blockUntil((this.#written - lwm) | 0);
    if (((this.#written - this.#readSeen) | 0) >= hwm) {
      if (!this.#stalled) this.#memory.control.tally(THREAD.STALLS);
      this.#stalled = true;
      return false;
    }
    store(this.#control, this.#queue + QUEUE.BLOCKED, 0);
    return true;
  }

  /**
   * Whether the reader has read every complete message. When not, it will send
   * activate_write once it has.
   */
  checkDrained(): boolean {
    if (this.drained) return true;
    this.#blockUntil(this.#written);
    if (this.#readSeen !== this.#written) return false;
    store(this.#control, this.#queue + QUEUE.BLOCKED, 0);
    return true;
  }

  /** Asks the reader to wake this side when it has read so many messages. */
  #blockUntil(read: number): void {
    const words = this.#control;
    const queue = this.#queue;
    // Ordering: wakeAt, then blocked, then read again; the reader stores
    // read, then loads blocked and wakeAt. One of the two sees the other.
    store(words, queue + QUEUE.WAKE_AT, read);
    store(words, queue + QUEUE.BLOCKED, 1);
    this.#readSeen = load(words, queue + QUEUE.READ);
  }

  /** Messages that may still be written before credit ends. */
  credit(): number {
    if (!this.hasCredit()) return 0;
    if (this.#hwm === 0) return 2 ** 30;
    return this.#hwm - ((this.#written - this.#readSeen) | 0);
  }

  /**
   * Notes where a message begins, for {@link rollback}. The end of a message
   * is the beginning of the next, so that a rollback never takes back more
   * than what is unfinished.
   */
  beginMessage(): void {
    this.#messageChunk = this.#chunk;
    this.#messageOffset = this.#offset;
    this.#messageStart = this.#start;
    // Setting a length is slow even when it changes nothing.
    if (this.#messageBlocks.length > 0) this.#messageBlocks.length = 0;
    this.#outOfMemory = false;
  }

  /** Copies one frame into the queue; false when memory ran out. */
  writeFrame(flags: number, body: Uint8Array): boolean {
    const length = body.length;
    if (!this.#writeHeader(flags, length)) return false;
    const { platform } = this.#memory.control;
    platform.copyBytes(this.#bytes, this.#offset, body, 0, length);
    this.#offset += length;
    return true;
  }

  /** Whether {@link writeMessage} takes a body of so many bytes. */
  hasRoomFor(length: number): boolean {
    const header = length > 255 ? 9 : 2;
    return this.#offset + header + length <= this.#end && this.hasCredit();
  }

  /**
   * Writes a message of one frame if there is credit and the current chunk has
   * room for it; false when not, and nothing has changed.
   */
  writeMessage(body: Uint8Array): boolean {
    const length = body.length;
    if (!this.hasRoomFor(length)) return false;
    const header = length > 255 ? 9 : 2;
    const at = this.#offset;
    const { platform } = this.#memory.control;
    // First what may throw: the bytes may be detached.
    platform.copyBytes(this.#bytes, at + header, body, 0, length);
    this.#writeHeader(0, length);
    this.#offset += length;
    this.completeMessages(1);
    return true;
  }

  /**
   * Writes one frame whose body stays in a block. The queue takes over one
   * reference; the caller keeps it when this returns false.
   */
  writeDescriptor(
    flags: number,
    ref: Ref,
    offset: number,
    length: number,
  ): boolean {
    if (
      !this.#writeHeader(flags | PrivateFlag.DESCRIPTOR, DESCRIPTOR_BYTES)
    ) return false;
    const bytes = this.#bytes;
    putUint32(bytes, this.#offset, ref);
    putUint32(bytes, this.#offset + 4, offset);
    putUint32(bytes, this.#offset + 8, length);
    this.#offset += DESCRIPTOR_BYTES;
    this.#messageBlocks.push(ref);
    return true;
  }

  /**
   * Copies complete frames, already in wire format and checked, that all fit
   * one chunk; false when memory ran out.
   */
  writeRun(source: Uint8Array, from: number, to: number): boolean {
    const length = to - from;
    if (this.#offset + length > this.#end && !this.#newChunk(length)) {
      return false;
    }
    const { platform } = this.#memory.control;
    platform.copyBytes(this.#bytes, this.#offset, source, from, to);
    this.#offset += length;
    return true;
  }

  /** Opens a new chunk unless so many bytes fit; false without memory. */
  ensureRoom(need: number): boolean {
    return this.#offset + need <= this.#end || this.#newChunk(need);
  }

  /** Whether frames of a message lie there that is not complete. */
  get unfinished(): boolean {
    return this.#position() !== this.#complete;
  }

  /** Octets of the unfinished message, those in blocks included. */
  get unfinishedBytes(): number {
    const { blocks } = this.#memory;
    let bytes = ((this.#position() - this.#complete) | 0) >>> 1;
    for (const ref of this.#messageBlocks) bytes += blocks.length(ref);
    return bytes;
  }

  /** Whether the reader has read every complete message. */
  get drained(): boolean {
    return load(this.#control, this.#queue + QUEUE.READ) === this.#written;
  }

  /**
   * Octets of the unfinished message when it may pass by the queue: it lies in
   * one stretch, and the reader sleeps behind everything before it. Else 0.
   */
  get loneBytes(): number {
    if (this.#messageChunk !== this.#chunk) return 0;
    if (this.#messageBlocks.length > 0) return 0;
    // Ordering: the reader put itself to sleep there; only a flush of this
    // writer changes that, so the answer holds until then.
    const flushed = load(this.#control, this.#queue + QUEUE.FLUSHED);
    if (flushed !== (this.#complete | 1)) return 0;
    return this.#offset - this.#messageOffset;
  }

  /** The segment in which the unfinished message ends… */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** …and where in it a message of {@link loneBytes} begins. */
  get loneStart(): number {
    return this.#messageOffset;
  }

  /** Room left in the current chunk, bytes. */
  get room(): number {
    return this.#end - this.#offset;
  }

  /** Ends a message: it and what came before become visible at a flush. */
  completeMessages(count: number): void {
    this.#written = (this.#written + count) | 0;
    this.#complete = this.#position();
    this.#completeStart = this.#start;
    this.beginMessage();
  }

  /** Makes complete messages visible; false when the reader sleeps. */
  flush(): boolean {
    if (this.#flushed === this.#complete) return true;
    this.#flushed = this.#complete;
    // Ordering: publishes the frames and the chunk links.
    const before = exchange(
      this.#control,
      this.#queue + QUEUE.FLUSHED,
      this.#complete,
    );
    return (before & 1) === 0;
  }

  /** Takes back everything since {@link beginMessage}. */
  rollback(): void {
    for (const ref of this.#messageBlocks) this.#memory.blocks.release(ref);
    this.#messageBlocks.length = 0;
    if (this.#chunk === 0) return;
    let keep = this.#messageChunk;
    let offset = this.#messageOffset;
    if (keep === 0) {
      keep = load(this.#control, this.#queue + QUEUE.FIRST_CHUNK);
      offset = this.#memory.payload.offset(keep) + CHUNK_HEADER_BYTES;
    }
    const words = this.#memory.payload.wordsOf(keep);
    const at = this.#memory.payload.offset(keep) >>> 2;
    let chunk = keep === this.#chunk ? 0 : get(words, at + CHUNK.NEXT);
    put(words, at + CHUNK.NEXT, 0);
    // Ordering: the reader has not been told of anything behind it.
    store(words, at + CHUNK.USED, -1);
    while (chunk !== 0) {
      const last = chunk === this.#chunk;
      const next = this.#next(chunk);
      this.#freeChunk(chunk);
      chunk = last ? 0 : next;
    }
    this.#enter(keep, this.#messageStart);
    this.#offset = offset;
  }

  /** Says that nothing more will be written. */
  delimit(): void {
    // Ordering: after the last flush, so that who sees it sees all messages.
    store(this.#control, this.#queue + QUEUE.DELIMITED, 1);
  }

  /** Doubled position of everything that is complete. */
  get completePosition(): number {
    return this.#complete;
  }

  /** Leaves the private state in the record, for the next owner. */
  save(): void {
    const words = this.#control;
    const saved = this.#queue + QUEUE.WRITER_STATE;
    // Ordering: the command that hands over the pipe publishes these.
    put(words, saved, this.#chunk);
    put(words, saved + 1, this.#offset);
    put(words, saved + 2, this.#start);
    put(words, saved + 3, this.#complete);
    put(words, saved + 4, this.#flushed);
    put(words, saved + 5, this.#written);
    put(words, saved + 6, this.#completeStart);
  }

  /** Takes over what {@link save} left. */
  restore(): void {
    const saved = this.#queue + QUEUE.WRITER_STATE;
    const words = this.#control;
    const chunk = get(words, saved);
    if (chunk !== 0) this.#enter(chunk, get(words, saved + 2));
    this.#offset = get(words, saved + 1);
    this.#complete = get(words, saved + 3);
    this.#flushed = get(words, saved + 4);
    this.#written = get(words, saved + 5);
    this.#completeStart = get(words, saved + 6);
    this.#readSeen = load(words, this.#queue + QUEUE.READ);
    this.beginMessage();
  }

  #position(): number {
    return (this.#start + 2 * (this.#offset - this.#base)) | 0;
  }

  #writeHeader(flags: number, length: number): boolean {
    const size = length > 255 ? 9 : 2;
    if (
      this.#offset + size + length > this.#end &&
      !this.#newChunk(size + length)
    ) return false;
    const bytes = this.#bytes;
    const at = this.#offset;
    if (size === 2) {
      bytes[at] = flags;
      bytes[at + 1] = length;
    } else {
      bytes[at] = flags | LONG;
      // A frame that fits a chunk has a length below 2^16.
      bytes[at + 1] = 0;
      bytes[at + 2] = 0;
      bytes[at + 3] = 0;
      bytes[at + 4] = 0;
      bytes[at + 5] = 0;
      bytes[at + 6] = 0;
      bytes[at + 7] = length >>> 8;
      bytes[at + 8] = length;
    }
    this.#offset = at + size;
    return true;
  }

  #newChunk(need: number): boolean {
    assert(
      need <= CHUNK_BYTES - CHUNK_HEADER_BYTES,
      "what is kept in a pipe fits a chunk",
    );
    const { payload, control } = this.#memory;
    control.noteRefusal();
    const held = ((this.#position() - this.#released()) | 0) >>> 1;
    let size = this.#chunkSize(need + CHUNK_HEADER_BYTES);
    let ref = held > QUEUE_BYTES_MAX
      ? 0
      : payload.allocate(size, this.guaranteed);
    if (ref === 0 && this.#mayPassLimit()) {
      // The guaranteed minimum: a reader that has come to the last chunk finds
      // another one behind it.
      size = smallestChunk(need + CHUNK_HEADER_BYTES);
      ref = payload.allocate(size, true);
    }
    if (ref === 0) {
      this.#outOfMemory = true;
      return false;
    }
    const words = payload.wordsOf(ref);
    const at = payload.offset(ref) >>> 2;
    // Ordering: published by the flush of the first frame in it.
    put(words, at + CHUNK.NEXT, 0);
    put(words, at + CHUNK.USED, -1);
    put(words, at + CHUNK.SIZE, size);
    put(words, at + CHUNK.PINS, 0);
    const start = this.#position();
    if (this.#chunk === 0) {
      store(this.#control, this.#queue + QUEUE.FIRST_CHUNK, ref);
    } else {
      const current = this.#base - CHUNK_HEADER_BYTES >>> 2;
      put(this.#chunkWords, current + CHUNK.NEXT, ref);
      // Ordering: the reader loads USED before it follows NEXT.
      store(this.#chunkWords, current + CHUNK.USED, this.#offset - this.#base);
    }
    this.#enter(ref, start);
    return true;
  }

  /**
   * Whether the next chunk belongs to the guaranteed minimum: the reader has
   * come to the last one or, in the midst of an ordinary message, to where the
   * message before it ends. It tells what it has read only now and then, but
   * what it has let go of at once.
   */
  #mayPassLimit(): boolean {
    // Ordering: after the refusal, which noted what was freed by then. Whoever
    // lets go of more frees it afterwards, and that is not overlooked.
    const released = this.#released();
    if (!this.unfinished) return released === this.#start;
    const begun = ((this.#position() - this.#complete) | 0) >>> 1;
    return begun < GUARANTEED_MESSAGE_BYTES &&
      (this.drained || released === this.#completeStart);
  }

  #released(): number {
    return load(this.#control, this.#queue + QUEUE.RELEASED);
  }

  #chunkSize(need: number): number {
    if (need > SECOND_CHUNK_BYTES || this.#chunk === 0) {
      return smallestChunk(need);
    }
    const current = this.#end - this.#base + CHUNK_HEADER_BYTES;
    return current === FIRST_CHUNK_BYTES ? SECOND_CHUNK_BYTES : CHUNK_BYTES;
  }

  #enter(chunk: Ref, start: number): void {
    const { payload } = this.#memory;
    this.#chunk = chunk;
    this.#bytes = payload.bytesOf(chunk);
    this.#chunkWords = payload.wordsOf(chunk);
    const at = payload.offset(chunk);
    const size = get(this.#chunkWords, (at >>> 2) + CHUNK.SIZE);
    this.#base = at + CHUNK_HEADER_BYTES;
    this.#offset = this.#base;
    this.#end = at + size;
    this.#start = start;
  }

  #next(chunk: Ref): Ref {
    const { payload } = this.#memory;
    const at = payload.offset(chunk) >>> 2;
    return get(payload.wordsOf(chunk), at + CHUNK.NEXT);
  }

  #freeChunk(chunk: Ref): void {
    const { payload } = this.#memory;
    const at = payload.offset(chunk) >>> 2;
    const size = get(payload.wordsOf(chunk), at + CHUNK.SIZE);
    payload.free(chunk, size);
  }
}

const NOTHING = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);

function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Size of the smallest chunk that holds so many bytes. */
function smallestChunk(bytes: number): number {
  if (bytes <= FIRST_CHUNK_BYTES) return FIRST_CHUNK_BYTES;
  return bytes <= SECOND_CHUNK_BYTES ? SECOND_CHUNK_BYTES : CHUNK_BYTES;
}
