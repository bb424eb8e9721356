// libzmq: v2_decoder.{hpp,cpp}, session_base.cpp (push_msg) · runs on: io thread · RFC: 23/ZMTP (Framing)

import {
  BODY_TOO_LARGE,
  FRAME_COMMAND,
  FRAME_LONG,
  FRAME_MORE,
  FRAME_RESERVED,
  readBodyLength,
} from "../base/frame_header.ts";
import { COMMAND_BYTES_MAX } from "../base/limits.ts";
import type { ProtocolError } from "../base/protocol_error.ts";
import { BLOCK_HEADER_BYTES } from "../memory/block.ts";
import { ALLOCATION_MAX_BYTES } from "../memory/payload_segments.ts";
import type { ContextMemory } from "../memory/context_memory.ts";
import { GUARANTEED_MESSAGE_BYTES } from "../memory/queue_writer.ts";
import type { QueueWriter } from "../memory/queue_writer.ts";

/** How feeding ended. */
export const FeedResult = {
  /** Everything complete was taken. */
  HUNGRY: 0,
  /** The socket has not read enough: stop reading. */
  NO_CREDIT: 1,
  /** The context has no memory now: stop reading. */
  NO_MEMORY: 2,
  /** The peer broke the protocol; see `error`. */
  BROKEN: 3,
} as const;
export type FeedResult = typeof FeedResult[keyof typeof FeedResult];

/** First size of a block for a large frame, bytes; grows with what comes. */
const BLOCK_FIRST_BYTES = 4096;

/**
 * Room that an announced body gets at once from a peer that has delivered one
 * as large, bytes. Beyond it a block grows with what comes.
 */
const TRUSTED_BYTES_MAX: number = 1024 * 1024;

/**
 * Who handles a command: null, or what is wrong with it; ENOMEM when it is to
 * be given again once there is memory.
 */
export type CommandHandler = (
  bytes: Uint8Array,
  start: number,
  end: number,
) => ProtocolError | "ENOMEM" | null;

/**
 * Turns received bytes into frames of the pipe to the socket.
 *
 * Frames are checked before they are published. Small ones are copied in runs,
 * as they came; large ones are received into a block that grows with the
 * bytes that arrive, never with what a header announces.
 */
export class Inbound {
  readonly #memory: ContextMemory;
  readonly #writer: QueueWriter;
  readonly #maxBytes: number;
  readonly #onCommand: CommandHandler;
  /** Handles a subscription that came as a message, or null. */
  readonly #onLegacy: CommandHandler | null;
  /** Why the peer is to be turned away. */
  error: ProtocolError = "ERR_ZMTP_UNSPECIFIED";
  /** Bytes of the source that {@link feed} has dealt with. */
  consumed = 0;

  /** Large body under way: block, its capacity, what has come. */
  #block = 0;
  #blockCapacity = 0;
  #bodyHave = 0;
  #bodyLength = 0;
  #bodyFlags = 0;
  /** Large command under way, in private memory. */
  #command: Uint8Array | null = null;
  /** The largest body delivered so far, at most {@link TRUSTED_BYTES_MAX}. */
  #trustedBytes = 0;

  constructor(
    memory: ContextMemory,
    writer: QueueWriter,
    maxMessageBytes: number,
    onCommand: CommandHandler,
    onLegacySubscription: CommandHandler | null,
  ) {
    this.#memory = memory;
    this.#writer = writer;
    this.#maxBytes = maxMessageBytes < 0
      ? ALLOCATION_MAX_BYTES - BLOCK_HEADER_BYTES
      : maxMessageBytes;
    this.#onCommand = onCommand;
    this.#onLegacy = onLegacySubscription;
  }

  /** Whether the next bytes belong to a large body in a block. */
  get wantsBody(): boolean {
    return this.#block !== 0 && this.#bodyHave < this.#bodyLength;
  }

  /** Room for body bytes in the block now. */
  get bodyRoom(): number {
    return Math.min(this.#blockCapacity, this.#bodyLength) - this.#bodyHave;
  }

  /** Where the next body bytes go. */
  get bodyAddress(): number {
    return this.#memory.blocks.address(this.#block) + this.#bodyHave;
  }

  /** The kernel has put so many bytes to {@link bodyAddress}. */
  bodyReceived(count: number): void {
    this.#bodyHave += count;
  }

  /**
   * Takes as much as possible of `source[from]` to `source[to - 1]`; what is
   * left is to be given again, followed by what comes next.
   */
  feed(source: Uint8Array, from: number, to: number): FeedResult {
    this.consumed = from;
    for (;;) {
      const before = this.consumed;
      let result: FeedResult = FeedResult.HUNGRY;
      const wasLarge = this.#block !== 0 || this.#command !== null;
      if (wasLarge) {
        result = this.#feedLarge(source, to);
      } else result = this.#feedFrames(source, to);
      // Asking marks the writer as blocked, so that the reader wakes us; the
      // answer may be that there is room again.
      if (result === FeedResult.NO_CREDIT && this.#writer.hasCredit()) continue;
      if (result !== FeedResult.HUNGRY) return result;
      const large = this.#block !== 0 || this.#command !== null;
      // A body that the kernel completed ends without consuming anything.
      if (this.consumed === before && !large && !wasLarge) return result;
      if (this.consumed === to && !this.#complete()) return result;
    }
  }

  /** Forgets what is unfinished. */
  reset(): void {
    if (this.#block !== 0) this.#memory.blocks.release(this.#block);
    this.#block = 0;
    this.#command = null;
  }

  #complete(): boolean {
    return this.#bodyHave === this.#bodyLength &&
      (this.#block !== 0 || this.#command !== null);
  }

  /** Whole frames, copied in runs. */
  #feedFrames(source: Uint8Array, to: number): FeedResult {
    const writer = this.#writer;
    const inlineMax = this.#memory.inlineMax;
    let credit = writer.credit();
    if (credit === 0) return FeedResult.NO_CREDIT;
    let at = this.consumed;
    let run = at;
    let lastEnd = at;
    let messages = 0;
    let room = writer.room;
    let result: FeedResult = FeedResult.HUNGRY;
    while (to - at >= 2) {
      const flags = source[at] as number;
      if ((flags & FRAME_RESERVED) !== 0) {
        // What came whole before it counts; without memory it is lost.
        this.#emit(source, run, lastEnd, lastEnd, messages);
        this.error = "ERR_ZMTP_RESERVED_FLAGS";
        return FeedResult.BROKEN;
      }
      let header = 2;
      let length = source[at + 1] as number;
      if ((flags & FRAME_LONG) !== 0) {
        if (to - at < 9) break;
        header = 9;
        length = readBodyLength(source, at);
      }
      if (
        (flags & FRAME_COMMAND) !== 0 || length > inlineMax ||
        length > this.#maxBytes || length === BODY_TOO_LARGE
      ) {
        result = this.#emit(source, run, lastEnd, at, messages);
        if (result !== FeedResult.HUNGRY) return result;
        this.consumed = at;
        return this.#begin(source, at, to, flags, header, length);
      }
      const size = header + length;
      if (to - at < size) break;
      if (
        this.#onLegacy !== null && at === lastEnd && length > 0 &&
        (flags & FRAME_MORE) === 0 && (source[at + header] as number) <= 1 &&
        !(lastEnd === run && writer.unfinished)
      ) {
        result = this.#emit(source, run, lastEnd, at, messages);
        if (result !== FeedResult.HUNGRY) return result;
        return this.#legacySubscription(source, at, header, size);
      }
      if (at + size - run > room) {
        result = this.#emit(source, run, lastEnd, at, messages);
        if (result !== FeedResult.HUNGRY) return result;
        this.consumed = run = lastEnd = at;
        messages = 0;
        if (!writer.ensureRoom(size)) return FeedResult.NO_MEMORY;
        room = writer.room;
      }
      at += size;
      if ((flags & FRAME_MORE) !== 0) continue;
      lastEnd = at;
      messages++;
      if (--credit === 0) {
        result = FeedResult.NO_CREDIT;
        break;
      }
    }
    const emitted = this.#emit(source, run, lastEnd, at, messages);
    if (emitted !== FeedResult.HUNGRY) return emitted;
    this.consumed = at;
    return result;
  }

  /** A subscription that came as a message, from a peer before ZMTP 3.1. */
  #legacySubscription(
    source: Uint8Array,
    at: number,
    header: number,
    size: number,
  ): FeedResult {
    this.consumed = at;
    const verdict = this.#onLegacy?.(source, at + header, at + size);
    if (verdict === "ENOMEM") return FeedResult.NO_MEMORY;
    this.consumed = at + size;
    return FeedResult.HUNGRY;
  }

  /** Copies a run into the pipe; its messages end at `lastEnd`. */
  #emit(
    source: Uint8Array,
    run: number,
    lastEnd: number,
    end: number,
    messages: number,
  ): FeedResult {
    const writer = this.#writer;
    if (lastEnd > run) {
      if (!writer.writeRun(source, run, lastEnd)) return FeedResult.NO_MEMORY;
      writer.completeMessages(messages);
    }
    if (end > lastEnd && !writer.writeRun(source, lastEnd, end)) {
      // The complete part is in; only the rest is to be fed again.
      this.consumed = lastEnd;
      return FeedResult.NO_MEMORY;
    }
    return FeedResult.HUNGRY;
  }

  /** A frame that is not simply copied: a command, or a large body. */
  #begin(
    source: Uint8Array,
    at: number,
    to: number,
    flags: number,
    header: number,
    length: number,
  ): FeedResult {
    if ((flags & FRAME_COMMAND) !== 0) {
      return this.#beginCommand(source, at, to, flags, header, length);
    }
    if (length === BODY_TOO_LARGE || length > this.#maxBytes) {
      this.error = "ERR_ZMTP_FRAME_TOO_LARGE";
      return FeedResult.BROKEN;
    }
    const available = to - at - header;
    // A header alone is kept where it is: it costs nothing to announce much.
    if (available === 0 && length > 0) return FeedResult.HUNGRY;
    const first = Math.min(length, Math.max(BLOCK_FIRST_BYTES, 2 * available));
    let capacity = Math.max(first, Math.min(length, this.#trustedBytes));
    let block = this.#memory.blocks.allocate(capacity);
    if (block === 0) {
      capacity = first;
      block = this.#allocateBody(capacity, length);
    }
    if (block === 0) return FeedResult.NO_MEMORY;
    this.#block = block;
    this.#blockCapacity = capacity;
    this.#bodyHave = 0;
    this.#bodyLength = length;
    this.#bodyFlags = flags & FRAME_MORE;
    this.consumed = at + header;
    return FeedResult.HUNGRY;
  }

  #beginCommand(
    source: Uint8Array,
    at: number,
    to: number,
    flags: number,
    header: number,
    length: number,
  ): FeedResult {
    if ((flags & FRAME_MORE) !== 0) {
      this.error = "ERR_ZMTP_MORE_ON_COMMAND";
      return FeedResult.BROKEN;
    }
    if (length === BODY_TOO_LARGE || length > COMMAND_BYTES_MAX) {
      this.error = "ERR_ZMTP_COMMAND_TOO_LARGE";
      return FeedResult.BROKEN;
    }
    if (to - at >= header + length) {
      const end = at + header + length;
      const result = this.#handle(source, at + header, end);
      if (result === FeedResult.HUNGRY) this.consumed = end;
      return result;
    }
    if (header + length <= this.#memory.inlineMax) return FeedResult.HUNGRY;
    this.#command = new Uint8Array(Math.min(length, BLOCK_FIRST_BYTES));
    this.#bodyHave = 0;
    this.#bodyLength = length;
    this.consumed = at + header;
    return FeedResult.HUNGRY;
  }

  #feedLarge(source: Uint8Array, to: number): FeedResult {
    while (this.#bodyHave < this.#bodyLength && this.consumed < to) {
      const available = to - this.consumed;
      if (!this.#growBody(available)) return FeedResult.NO_MEMORY;
      const target = this.#command ??
        this.#memory.blocks.bytes(this.#block, 0, this.#blockCapacity);
      const count = Math.min(
        available,
        Math.min(target.length, this.#bodyLength) - this.#bodyHave,
      );
      this.#memory.control.platform.copyBytes(
        target,
        this.#bodyHave,
        source,
        this.consumed,
        this.consumed + count,
      );
      this.#bodyHave += count;
      this.consumed += count;
    }
    if (this.#bodyHave < this.#bodyLength) {
      // Room for the kernel to go on by itself.
      return this.#growBody(1) ? FeedResult.HUNGRY : FeedResult.NO_MEMORY;
    }
    return this.#finishLarge();
  }

  #finishLarge(): FeedResult {
    const command = this.#command;
    if (command !== null) {
      const result = this.#handle(command, 0, this.#bodyLength);
      if (result !== FeedResult.NO_MEMORY) this.#command = null;
      return result;
    }
    const writer = this.#writer;
    const last = this.#bodyFlags === 0;
    if (last && writer.credit() === 0) return FeedResult.NO_CREDIT;
    if (
      !writer.writeDescriptor(
        this.#bodyFlags,
        this.#block,
        0,
        this.#bodyLength,
      )
    ) return FeedResult.NO_MEMORY;
    this.#block = 0;
    if (this.#bodyLength > this.#trustedBytes) {
      this.#trustedBytes = Math.min(this.#bodyLength, TRUSTED_BYTES_MAX);
    }
    if (last) writer.completeMessages(1);
    return FeedResult.HUNGRY;
  }

  /** Enlarges a full body buffer, at most to twice what has come. */
  #growBody(expected: number): boolean {
    const command = this.#command;
    const capacity = command?.length ?? this.#blockCapacity;
    if (this.#bodyHave < capacity || this.#bodyHave === this.#bodyLength) {
      return true;
    }
    const larger = Math.min(
      this.#bodyLength,
      Math.max(2 * capacity, capacity + expected),
    );
    if (command !== null) {
      this.#command = new Uint8Array(larger);
      this.#command.set(command);
      return true;
    }
    const { blocks } = this.#memory;
    if (blocks.extend(this.#block, larger)) {
      this.#blockCapacity = larger;
      return true;
    }
    const block = this.#allocateBody(larger, this.#bodyLength);
    if (block === 0) return false;
    this.#memory.control.platform.copyBytes(
      blocks.bytes(block, 0, larger),
      0,
      blocks.bytes(this.#block, 0, this.#bodyHave),
      0,
      this.#bodyHave,
    );
    blocks.release(this.#block);
    this.#block = block;
    this.#blockCapacity = larger;
    return true;
  }

  /**
   * Memory for a large body; 0 at the limit. A pipe whose messages were all
   * read may pass the limit for one ordinary message: nothing that its reader
   * does could free memory for it. It tells when that is so.
   */
  #allocateBody(capacity: number, length: number): number {
    const { blocks } = this.#memory;
    const block = blocks.allocate(capacity);
    if (block !== 0) return block;
    const bytes = this.#writer.unfinishedBytes + length;
    if (bytes > GUARANTEED_MESSAGE_BYTES) return 0;
    return this.#writer.checkDrained() ? blocks.allocate(capacity, true) : 0;
  }

  #handle(bytes: Uint8Array, start: number, end: number): FeedResult {
    const wrong = this.#onCommand(bytes, start, end);
    if (wrong === null) return FeedResult.HUNGRY;
    if (wrong === "ENOMEM") return FeedResult.NO_MEMORY;
    this.error = wrong;
    return FeedResult.BROKEN;
  }
}
