// libzmq: xpub.hpp (the pending_* queues) · runs on: app thread · RFC: 29

import type { PipesByName, Received } from "../../core/pattern.ts";
import type { Pipe } from "../../core/pipe_contract.ts";
import { nameOf, pipeNamed } from "../saved_pipes.ts";

/** What a queued part is; bits of one octet. */
export const UpstreamFlag = {
  /** More parts of the same message follow. */
  MORE: 1,
  /** Part of a message that an XSUB's application sent. */
  USER: 2,
  /** The pipe it came from stands in the list of origins. */
  ORIGIN: 4,
} as const;

/** An {@link UpstreamQueue} on its way to another thread. */
export interface SavedUpstream {
  readonly chunks: readonly Uint8Array[];
  readonly userMessages: number;
  /** Names of pipes, 0 for those that are gone. */
  readonly origins: readonly number[];
}

/** A stretch of the queue. */
interface Chunk {
  readonly bytes: Uint8Array;
  end: number;
  next: Chunk | null;
}

// In front of each part: flags octet, then its length in four octets.
const HEADER_BYTES = 5;
const CHUNK_BYTES_MIN = 1024;
const CHUNK_BYTES_MAX = 65536;

/**
 * What an XPUB's application has not received yet: subscriptions made and
 * dropped, and messages from XSUBs. Octets in chunks, since an application
 * that never receives may leave many thousands of topics here.
 */
export class UpstreamQueue {
  #first: Chunk | null;
  #last: Chunk | null;
  /** Where the next part to take starts in the first chunk. */
  #position: number;
  #userMessages: number;
  /** The chunk and place of the last user part that has MORE. */
  #openChunk: Chunk | null;
  #openAt: number;
  /** Origins of parts that have one, in order, from `#originsTaken` on. */
  #origins: (Pipe | null)[];
  #originsTaken: number;

  constructor() {
    this.#first = null;
    this.#last = null;
    this.#position = 0;
    this.#userMessages = 0;
    this.#openChunk = null;
    this.#openAt = 0;
    this.#origins = [];
    this.#originsTaken = 0;
  }

  /** Whether nothing is queued. */
  get empty(): boolean {
    return this.#first === null;
  }

  /** Messages of XSUB applications in the queue. */
  get userMessages(): number {
    return this.#userMessages;
  }

  /** Queues a subscription (`mark` 1) or its end (0). */
  pushSubscription(
    mark: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    origin: Pipe | null,
  ): void {
    const flags = origin === null ? 0 : UpstreamFlag.ORIGIN;
    const chunk = this.#reserve(flags, end - start + 1);
    chunk.bytes[chunk.end] = mark;
    copyOctets(bytes, start, end, chunk.bytes, chunk.end + 1);
    chunk.end += end - start + 1;
    if (origin !== null) this.#origins.push(origin);
  }

  /** Queues one part of a user's message. */
  pushUserPart(
    more: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const flags = UpstreamFlag.USER | (more ? UpstreamFlag.MORE : 0);
    const chunk = this.#reserve(flags, end - start);
    copyOctets(bytes, start, end, chunk.bytes, chunk.end);
    this.#openChunk = more ? chunk : null;
    this.#openAt = chunk.end - HEADER_BYTES;
    chunk.end += end - start;
    if (!more) this.#userMessages++;
  }

  /** Makes the last user part, if it has MORE, the last one of its message. */
  endUserMessage(): void {
    const chunk = this.#openChunk;
    if (chunk === null) return;
    chunk.bytes[this.#openAt] = UpstreamFlag.USER;
    this.#openChunk = null;
    this.#userMessages++;
  }

  /**
   * Moves the oldest message to `out` and gives its flags; the queue must not
   * be empty. With ORIGIN, `takeOrigin` is to be called next.
   */
  take(out: Received): number {
    let flags = 0;
    do {
      const chunk = this.#first as Chunk;
      const bytes = chunk.bytes;
      const at = this.#position;
      flags = bytes[at] as number;
      const length = readLength(bytes, at + 1);
      const start = at + HEADER_BYTES;
      out.pushCopy(bytes, start, start + length);
      this.#position = start + length;
      if (this.#position === chunk.end) this.#dropFirst();
    } while ((flags & UpstreamFlag.MORE) !== 0);
    if ((flags & UpstreamFlag.USER) !== 0) this.#userMessages--;
    return flags;
  }

  /**
   * The pipe that the message just taken came from. It may be gone; one that
   * was gone when the queue moved to another thread is `null`.
   */
  takeOrigin(): Pipe | null {
    const origin = this.#origins[this.#originsTaken++] as Pipe | null;
    if (this.#originsTaken * 2 >= this.#origins.length) {
      this.#origins = this.#origins.slice(this.#originsTaken);
      this.#originsTaken = 0;
    }
    return origin;
  }

  /**
   * What is queued. Between two calls of a pattern no user's message is
   * unfinished.
   *
   * @param lives Whether the pipe is still there.
   */
  save(lives: (pipe: Pipe) => boolean): SavedUpstream {
    const chunks: Uint8Array[] = [];
    let from = this.#position;
    for (let chunk = this.#first; chunk !== null; chunk = chunk.next) {
      chunks.push(chunk.bytes.slice(from, chunk.end));
      from = 0;
    }
    const origins = this.#origins.slice(this.#originsTaken).map((pipe) =>
      nameOf(pipe !== null && lives(pipe) ? pipe : null)
    );
    return { chunks, userMessages: this.#userMessages, origins };
  }

  /** Makes this queue, still empty, what another one was. */
  restore(saved: SavedUpstream, pipes: PipesByName): void {
    for (const bytes of saved.chunks) {
      const chunk: Chunk = { bytes, end: bytes.length, next: null };
      if (this.#last === null) this.#first = chunk;
      else this.#last.next = chunk;
      this.#last = chunk;
    }
    this.#userMessages = saved.userMessages;
    this.#origins = saved.origins.map((name) => pipeNamed(pipes, name));
  }

  #dropFirst(): void {
    const next = (this.#first as Chunk).next;
    this.#first = next;
    this.#position = 0;
    if (next === null) this.#last = null;
  }

  /** Writes a header; the chunk has room for the part behind `end`. */
  #reserve(flags: number, length: number): Chunk {
    const size = HEADER_BYTES + length;
    let chunk = this.#last;
    if (chunk === null || chunk.end + size > chunk.bytes.length) {
      chunk = this.#append(size);
    }
    const bytes = chunk.bytes;
    bytes[chunk.end] = flags;
    bytes[chunk.end + 1] = length >>> 24;
    bytes[chunk.end + 2] = length >>> 16;
    bytes[chunk.end + 3] = length >>> 8;
    bytes[chunk.end + 4] = length;
    chunk.end += HEADER_BYTES;
    return chunk;
  }

  #append(size: number): Chunk {
    const last = this.#last;
    const usual = last === null
      ? CHUNK_BYTES_MIN
      : Math.min(CHUNK_BYTES_MAX, last.bytes.length * 2);
    const bytes = new Uint8Array(Math.max(usual, size));
    const chunk: Chunk = { bytes, end: 0, next: null };
    if (last === null) this.#first = chunk;
    else last.next = chunk;
    this.#last = chunk;
    return chunk;
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
}

function copyOctets(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): void {
  for (let i = start; i < end; i++) to[at++] = from[i] as number;
}
