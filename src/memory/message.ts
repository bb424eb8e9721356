// libzmq: msg.{hpp,cpp} · runs on: app thread · RFC: –

import type { ContextMemory } from "./context_memory.ts";
import type { Ref } from "./payload_segments.ts";

/**
 * A message part in the context's own memory, handed over without a copy.
 *
 * It holds memory until {@link Message.release} is called or, with `using`,
 * until the end of the scope. Sending a message gives it away: it is released
 * for the sender; {@link Message.copy} makes a second reference first.
 *
 * @example A part written in place
 * ```ts
 * import { Context } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * const context = new Context();
 * using message = context.allocate(5);
 * message.bytes.set(new TextEncoder().encode("hello"));
 * assert.equal(message.toString(), "hello");
 * ```
 */
export class Message {
  readonly #memory: ContextMemory;
  /** A block, or a chunk when `#pinned`. 0 once released. */
  #ref: Ref;
  readonly #pinned: boolean;
  readonly #offset: number;
  #view: Uint8Array | null;
  /** Size of the part in bytes. */
  readonly size: number;

  /**
   * Made by the library only; `context.allocate` and `receiveMessage` give
   * messages to users.
   *
   * @internal
   */
  constructor(
    memory: unknown,
    ref: number,
    pinned: boolean,
    offset: number,
    size: number,
    view: Uint8Array,
  ) {
    this.#memory = memory as ContextMemory;
    this.#ref = ref;
    this.#pinned = pinned;
    this.#offset = offset;
    this.#view = view;
    this.size = size;
    this.#memory.messageMade();
  }

  /**
   * The bytes where they lie, in shared memory; valid until release.
   *
   * @throws {TypeError} After release.
   */
  get bytes(): Uint8Array {
    if (this.#view === null) throw new TypeError("Message is released");
    return this.#view;
  }

  /** Whether the memory was given back or the message was sent. */
  get released(): boolean {
    return this.#view === null;
  }

  /**
   * A second reference to the same memory.
   *
   * @returns A message to be released on its own.
   * @throws {TypeError} After release.
   */
  copy(): Message {
    const view = this.bytes;
    if (this.#pinned) this.#memory.pinChunk(this.#ref, 0);
    else this.#memory.blocks.retain(this.#ref);
    return new Message(
      this.#memory,
      this.#ref,
      this.#pinned,
      this.#offset,
      this.size,
      view,
    );
  }

  /** Gives the memory back. Safe to call again. */
  release(): void {
    if (this.#view === null) return;
    this.#view = null;
    if (this.#pinned) this.#memory.unpinChunk(this.#ref);
    else this.#memory.blocks.release(this.#ref);
    this.#ref = 0;
    this.#memory.messageReleased();
  }

  /** As {@link Message.release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** The bytes as UTF-8 text. */
  toString(): string {
    // A copy, since decoders refuse shared memory. Not by slice(), which of a
    // Buffer that the user lent is no copy.
    return new TextDecoder().decode(new Uint8Array(this.bytes));
  }

  /**
   * Block that holds the bytes, or 0 when they lie in a pipe.
   *
   * @internal
   */
  get block(): number {
    return this.#pinned ? 0 : this.#ref;
  }

  /**
   * Where in the block the bytes start.
   *
   * @internal
   */
  get blockOffset(): number {
    return this.#offset;
  }

  /**
   * Whether the message belongs to this memory (to this context and thread).
   *
   * @internal
   */
  isOf(memory: unknown): boolean {
    return this.#memory === memory;
  }
}
