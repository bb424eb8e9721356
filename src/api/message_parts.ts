// libzmq: none · runs on: app thread · RFC: –

import { BUSY_MESSAGES, ZmqError } from "../base/errors.ts";
import type { OutPart } from "../core/pipe_contract.ts";
import { Message } from "../memory/message.ts";

export { Message };

/**
 * One part of a message to send.
 *
 * Bytes are sent as they are, a view only with the bytes it shows. A string is
 * sent as UTF-8, `null` as an empty part, and anything else as the UTF-8 text
 * that `String()` makes of it. A {@linkcode Message} is sent without a copy of
 * its bytes and is given away by that: once sent it is released.
 */
export type MessageLike =
  | ArrayBufferView
  | ArrayBuffer
  | SharedArrayBuffer
  | Message
  | string
  | number
  | null;

const NO_BYTES: Uint8Array = new Uint8Array(0);

// Octets of UTF-8 that one UTF-16 code unit can need at most.
const UTF8_BYTES_PER_UNIT = 3;

// Octets of the buffer into which short strings are encoded. Made at the first
// string a socket sends, so it must not be dear for programs with many sockets.
const TEXT_BYTES = 1024;

/** Parts of up to so many bytes are copied when a send has to wait. */
const KEPT_BYTES_MAX = 128;

// The `count` while parts are being converted: neither none nor some.
const CONVERTING = -1;

/**
 * The parts of the one message a socket is about to send.
 *
 * There is one per socket, filled anew for each message: a message that waits
 * for room keeps it, and a second send is refused meanwhile.
 */
export class OutgoingParts {
  /** The parts; only the first `count` belong to the message. */
  readonly parts: OutPart[] = [];
  /** Number of parts of the message, 0 when nothing is loaded. */
  count = 0;

  readonly #encoder = new TextEncoder();
  #hasMessages = false;
  #text: Uint8Array | null = null;
  #textUsed = 0;

  /**
   * Takes a message as the application gave it and returns its `count`.
   *
   * @throws {TypeError} There is no message, or a part is a symbol or a
   *   released Message.
   * @throws {ZmqError} EBUSY: a message is loaded already.
   */
  load(message: unknown): number {
    if (this.count !== 0) {
      // Conversions run the application's code (`toString`), which may try to
      // send on the very socket whose message is being converted.
      throw new ZmqError("EBUSY", { message: BUSY_MESSAGES.send });
    }
    if (message instanceof Uint8Array) {
      if (message.length === 0) refuseDetached(message);
      this.parts[0] = message;
      return this.count = 1;
    }
    if (message === undefined) throw new TypeError("Message must be present");
    this.#textUsed = 0;
    this.count = CONVERTING;
    try {
      return this.count = this.#convertAll(message);
    } catch (error) {
      this.parts.length = 0;
      this.count = 0;
      throw error;
    }
  }

  /**
   * Copies small parts, since the message has to wait: applications reuse
   * small buffers, and zeromq.js copies them, too.
   */
  keep(): void {
    for (let index = 0; index < this.count; index++) {
      const part = this.parts[index];
      if (part instanceof Uint8Array && part.length <= KEPT_BYTES_MAX) {
        this.parts[index] = new Uint8Array(part);
      }
    }
  }

  /** The message was sent, which takes Messages from the application. */
  sent(): void {
    if (this.#hasMessages) {
      for (let index = 0; index < this.count; index++) {
        const part = this.parts[index];
        if (part instanceof Message) part.release();
      }
    }
    this.clear();
  }

  /** Lets go of the message, so that its memory can be collected. */
  clear(): void {
    const parts = this.parts;
    if (this.count <= 4) {
      // Short lists are kept: refilling them costs nothing.
      for (let index = 0; index < this.count; index++) parts[index] = NO_BYTES;
    } else {
      parts.length = 0;
    }
    this.count = 0;
    this.#hasMessages = false;
  }

  #convertAll(message: unknown): number {
    const parts = this.parts;
    if (!Array.isArray(message)) {
      parts[0] = this.#convert(message);
      return 1;
    }
    for (let index = 0; index < message.length; index++) {
      parts[index] = this.#convert(message[index]);
    }
    return message.length;
  }

  #convert(part: unknown): OutPart {
    if (part instanceof Uint8Array) {
      if (part.length === 0) refuseDetached(part);
      return part;
    }
    if (typeof part === "string") return this.#encode(part);
    if (part === null) return NO_BYTES;
    if (part instanceof Message) {
      if (part.released) throw new TypeError("Message is released");
      this.#hasMessages = true;
      return part;
    }
    if (ArrayBuffer.isView(part)) {
      if (part.byteLength === 0) refuseDetached(part);
      return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    }
    if (part instanceof ArrayBuffer || part instanceof SharedArrayBuffer) {
      return new Uint8Array(part);
    }
    // A template converts as String() does, but refuses symbols.
    return this.#encode(`${part as string}`);
  }

  // Lone surrogates become U+FFFD, as everywhere in the web's encoders.
  #encode(text: string): Uint8Array {
    const needed = text.length * UTF8_BYTES_PER_UNIT;
    if (needed === 0) return NO_BYTES;
    const from = this.#textUsed;
    if (needed > TEXT_BYTES - from) return this.#encoder.encode(text);
    const buffer = this.#text ??= new Uint8Array(TEXT_BYTES);
    const target = from === 0 ? buffer : buffer.subarray(from);
    this.#textUsed = from + this.#encoder.encodeInto(text, target).written;
    return buffer.subarray(from, this.#textUsed);
  }
}

/** Bytes that were transferred elsewhere are not an empty message. */
function refuseDetached(view: ArrayBufferView): void {
  const { buffer } = view;
  if (buffer instanceof ArrayBuffer && buffer.detached) {
    throw new TypeError("Message part is detached: its bytes were transferred");
  }
}
