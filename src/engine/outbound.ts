// libzmq: encoder.hpp, v2_encoder.cpp, v3_1_encoder.cpp, session_base.cpp (pull_msg) · runs on: io thread · RFC: 23/ZMTP (Framing)

import {
  FRAME_COMMAND,
  FRAME_LONG,
  FRAME_MORE,
  writeHeader,
} from "../base/frame_header.ts";
import { PrivateFlag } from "../memory/chunk.ts";
import type { ContextMemory } from "../memory/context_memory.ts";
import type { Ref } from "../memory/payload_segments.ts";
import type { Pipe } from "../core/pipe.ts";
import { addressOf, sendVector } from "../../ffi/mod.ts";
import { SPANS_MAX } from "./engine_buffers.ts";
import type { EngineBuffers } from "./engine_buffers.ts";

/** Bytes handed to the kernel by one call, about. */
const BATCH_BYTES_MAX: number = 256 * 1024;

/** Bits that a frame copied as it stands does not have. */
const SPECIAL: number = 0xff & ~(FRAME_MORE | FRAME_LONG);

/** Bytes for the headers that a batch needs beside the pipe's own. */
const HEADERS_BYTES: number = SPANS_MAX * 9;

/** Rewrites a command for an older peer; null = as it stands. */
export type CommandRewriter = (
  bytes: Uint8Array,
  start: number,
  end: number,
) => Uint8Array;

/** How {@link Outbound.send} ended. */
export const SendResult = {
  /** Nothing is left in the pipe. */
  EMPTY: 0,
  /** A batch went out; there may be more. */
  SENT: 1,
  /** The kernel takes no more now. */
  FULL: 2,
  /** The connection is broken. */
  BROKEN: 3,
} as const;
export type SendResult = typeof SendResult[keyof typeof SendResult];

/**
 * Hands the frames of the pipe from the socket to the kernel, from where they
 * lie. What the kernel has not accepted whole stays in the pipe.
 */
export class Outbound {
  readonly #fd: number;
  readonly #memory: ContextMemory;
  readonly #buffers: EngineBuffers;
  readonly #again: number;
  readonly #rewrite: CommandRewriter | null;
  readonly #transmit: typeof sendVector;

  /** Stretches of the batch that the kernel has not taken. */
  readonly #addresses: number[] = [];
  readonly #lengths: number[] = [];
  /** Whether they are the rest of a batch already begun. */
  #partial = false;
  #batchBytes = 0;
  /** Octets of the front message that somebody else has written. */
  #ahead = 0;
  /** MORE, when the batch ends inside a message. */
  #more = 0;

  /** Since the last commit: bytes that the kernel has taken, and in them… */
  #accepted = 0;
  /** …whole messages, and the blocks that frames name. */
  #batchMessages = 0;
  readonly #batchBlocks: Ref[] = [];
  /** Headers and rewritten commands; kept until the batch is through. */
  #headers: Uint8Array | null = null;
  #headersUsed = 0;
  readonly #rewritten: Uint8Array[] = [];

  /**
   * @param again Negative EAGAIN of this system.
   * @param transmit Hands a vector to the kernel.
   */
  constructor(
    fd: number,
    memory: ContextMemory,
    buffers: EngineBuffers,
    again: number,
    rewrite: CommandRewriter | null,
    transmit: typeof sendVector = sendVector,
  ) {
    this.#transmit = transmit;
    this.#fd = fd;
    this.#memory = memory;
    this.#buffers = buffers;
    this.#again = again;
    this.#rewrite = rewrite;
  }

  /** Whether the kernel took a batch, or a message, only in part. */
  get partial(): boolean {
    return this.#partial || this.#ahead > 0;
  }

  /**
   * The kernel has the first octets of the message at the front of the pipe,
   * not all of it, from somebody else.
   */
  goOnBehind(sent: number): void {
    this.#ahead = sent;
  }

  /** Sends one batch, or the rest of the last one. */
  send(pipe: Pipe): SendResult {
    if (!this.#partial) this.#fill(pipe);
    if (this.#ahead > 0) {
      this.#accepted += this.#ahead;
      this.#keepRest(this.#ahead);
      this.#ahead = 0;
    }
    const vector = this.#buffers.output;
    vector.clear();
    let total = 0;
    for (let i = 0; i < this.#lengths.length; i++) {
      const length = this.#lengths[i] as number;
      vector.push(this.#addresses[i] as number, length);
      total += length;
    }
    if (total === 0) return SendResult.EMPTY;
    const sent = this.#transmit(this.#fd, vector);
    if (sent < 0 && sent !== this.#again) return SendResult.BROKEN;
    if (sent > 0) this.#accepted += sent;
    if (sent === total) {
      this.#finish(pipe);
      return SendResult.SENT;
    }
    this.#keepRest(sent < 0 ? 0 : sent);
    return SendResult.FULL;
  }

  /**
   * The connection is gone: what it accepted whole is delivered, the rest of
   * the batch is sent again on the next one, from the first unfinished message.
   */
  abandon(pipe: Pipe): void {
    const { reader } = pipe;
    reader.rewind();
    let accepted = this.#accepted;
    this.forget();
    let messages = 0;
    while (reader.available()) {
      reader.decode();
      const size = this.#wireSize(pipe);
      if (size > accepted) break;
      accepted -= size;
      reader.advance();
      if ((reader.flags & FRAME_MORE) !== 0) continue;
      messages++;
      this.#releaseTo(pipe);
    }
    reader.rewind();
    if (messages > 0) pipe.countRead(messages);
  }

  /** The pipe is gone: nothing here may refer to its memory any more. */
  forget(): void {
    this.#clearBatch();
  }

  /** Collects frames into the vector, up to a batch. */
  #fill(pipe: Pipe): void {
    const { reader } = pipe;
    this.#clearSpans();
    while (
      this.#lengths.length < SPANS_MAX - 1 &&
      this.#batchBytes < BATCH_BYTES_MAX &&
      reader.available()
    ) {
      if (reader.chunkSize === 0) {
        this.#pushConflated(pipe);
        continue;
      }
      const { bytes, limit } = reader;
      const start = reader.offset;
      let at = start;
      let messages = 0;
      let more = 0;
      while (at < limit) {
        const flags = bytes[at] as number;
        if ((flags & SPECIAL) !== 0) break;
        at += (flags & FRAME_LONG) === 0 ? 2 + (bytes[at + 1] as number) : 9 +
          (((bytes[at + 7] as number) << 8) | (bytes[at + 8] as number));
        more = flags & FRAME_MORE;
        messages += more ^ FRAME_MORE;
      }
      if (at > start) {
        const base = this.#memory.payload.segmentAddress(reader.chunk);
        this.#push(base + start, at - start);
        this.#batchMessages += messages;
        this.#more = more;
        reader.offset = at;
      } else this.#pushSpecial(pipe);
    }
  }

  /** A descriptor, a command, or a mark of the pipe's own. */
  #pushSpecial(pipe: Pipe): void {
    const { reader } = pipe;
    reader.decode();
    const { flags } = reader;
    if ((flags & PrivateFlag.CHANGED) !== 0) {
      // Meant for sockets at the other end of an inproc pipe.
      reader.advance();
      return;
    }
    if ((flags & PrivateFlag.DESCRIPTOR) !== 0) this.#pushBlock(pipe);
    else this.#pushCommand(pipe);
    reader.advance();
    this.#more = flags & FRAME_MORE;
    if (this.#more === 0) this.#batchMessages++;
  }

  #pushBlock(pipe: Pipe): void {
    const { reader } = pipe;
    const { blocks } = this.#memory;
    const ref = reader.descriptorRef();
    const length = reader.descriptorLength();
    const offset = reader.descriptorOffset();
    const flags = reader.flags & (FRAME_MORE | FRAME_COMMAND);
    if (this.#rewrite !== null && (flags & FRAME_COMMAND) !== 0) {
      const bytes = blocks.bytes(ref, offset, length);
      this.#pushBytes(this.#rewrite(bytes, 0, length));
      this.#batchBlocks.push(ref);
      return;
    }
    this.#headers ??= new Uint8Array(HEADERS_BYTES);
    const at = this.#headersUsed;
    const size = writeHeader(this.#headers, at, flags, length);
    this.#headersUsed += size;
    this.#push(addressOf(this.#headers) + at, size);
    if (length > 0) this.#push(blocks.address(ref) + offset, length);
    this.#batchBlocks.push(ref);
  }

  #pushCommand(pipe: Pipe): void {
    const { reader } = pipe;
    const { bytes, offset, bodyStart, bodyLength } = reader;
    const end = bodyStart + bodyLength;
    if (this.#rewrite !== null) {
      this.#pushBytes(this.#rewrite(bytes, bodyStart, end));
      return;
    }
    const base = this.#memory.payload.segmentAddress(reader.chunk);
    this.#push(base + offset, end - offset);
  }

  /** Private bytes, kept until the batch is through. */
  #pushBytes(bytes: Uint8Array): void {
    this.#rewritten.push(bytes);
    this.#push(addressOf(bytes), bytes.length);
  }

  #pushConflated(pipe: Pipe): void {
    const { reader } = pipe;
    const base = this.#memory.blocks.address(reader.chunk);
    const start = reader.offset;
    while (reader.offset < reader.limit) {
      reader.decode();
      reader.advance();
      if ((reader.flags & FRAME_MORE) === 0) this.#batchMessages++;
    }
    this.#more = 0;
    this.#push(base + start, reader.offset - start);
  }

  /** The kernel has taken the batch; what ends in it is delivered. */
  #finish(pipe: Pipe): void {
    if (this.#more !== 0) {
      // A message whose rest is lost must be sent again from its beginning.
      this.#clearSpans();
      return;
    }
    for (const ref of this.#batchBlocks) this.#memory.blocks.release(ref);
    const messages = this.#batchMessages;
    this.#clearBatch();
    pipe.reader.commit();
    pipe.countRead(messages);
  }

  #push(address: number, length: number): void {
    this.#addresses.push(address);
    this.#lengths.push(length);
    this.#batchBytes += length;
  }

  /** Forgets the first bytes of the batch, which the kernel has taken. */
  #keepRest(sent: number): void {
    this.#partial = true;
    let whole = 0;
    while (sent > 0 && sent >= (this.#lengths[whole] as number)) {
      sent -= this.#lengths[whole++] as number;
    }
    this.#addresses.splice(0, whole);
    this.#lengths.splice(0, whole);
    if (sent === 0) return;
    this.#addresses[0] = (this.#addresses[0] as number) + sent;
    this.#lengths[0] = (this.#lengths[0] as number) - sent;
  }

  /** Octets that the front frame, decoded, has on the wire. */
  #wireSize(pipe: Pipe): number {
    const { reader } = pipe;
    if ((reader.flags & PrivateFlag.CHANGED) !== 0) return 0;
    const described = (reader.flags & PrivateFlag.DESCRIPTOR) !== 0;
    if (this.#rewrite !== null && (reader.flags & FRAME_COMMAND) !== 0) {
      const bytes = described
        ? this.#memory.blocks.bytes(
          reader.descriptorRef(),
          reader.descriptorOffset(),
          reader.descriptorLength(),
        )
        : reader.bytes;
      const start = described ? 0 : reader.bodyStart;
      const length = described ? bytes.length : reader.bodyLength;
      return this.#rewrite(bytes, start, start + length).length;
    }
    const length = described ? reader.descriptorLength() : reader.bodyLength;
    return length + (length > 255 ? 9 : 2);
  }

  /** Delivers everything up to the front, a message's end. */
  #releaseTo(pipe: Pipe): void {
    const { reader } = pipe;
    const end = reader.position();
    reader.rewind();
    while (reader.position() !== end && reader.available()) {
      reader.decode();
      if ((reader.flags & PrivateFlag.DESCRIPTOR) !== 0) {
        this.#memory.blocks.release(reader.descriptorRef());
      }
      reader.advance();
    }
    reader.commit();
  }

  #clearBatch(): void {
    this.#clearSpans();
    this.#more = 0;
    this.#batchMessages = 0;
    this.#batchBlocks.length = 0;
    this.#accepted = 0;
    this.#ahead = 0;
  }

  /** Forgets what was to be handed to the kernel, not what it consists of. */
  #clearSpans(): void {
    this.#addresses.length = 0;
    this.#lengths.length = 0;
    this.#partial = false;
    this.#batchBytes = 0;
    this.#headersUsed = 0;
    this.#rewritten.length = 0;
  }
}
