// libzmq: stream_engine_base.cpp (next_msg of the handshake, produce_pong) · runs on: io thread · RFC: 23, 37

import { send } from "../../ffi/mod.ts";
import { PING_CONTEXT_BYTES_MAX } from "../base/limits.ts";
import { encodeCommandFrame, encodePong } from "../zmtp/command_codec.ts";

/** First size of the buffer, bytes: a greeting or a READY with an id. */
const FIRST_BYTES = 64;

/** The octets of a PONG's frame before its context, by the context's length. */
const PONG_HEADERS: readonly Uint8Array[] = Array.from(
  { length: PING_CONTEXT_BYTES_MAX + 1 },
  (_, length) => {
    const frame = encodeCommandFrame(encodePong(new Uint8Array(length)));
    return frame.subarray(0, frame.length - length);
  },
);

/**
 * Bytes of a connection that go ahead of its pipe's: greeting, READY, PONG.
 * One buffer per connection, since a peer may ask for as many as it likes.
 */
export class ControlQueue {
  #bytes: Uint8Array = new Uint8Array(new ArrayBuffer(FIRST_BYTES));
  #start = 0;
  #end = 0;

  /** Octets that wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  push(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    this.#reserve(to - from);
    for (let at = from; at < to; at++) {
      this.#bytes[this.#end++] = bytes[at] as number;
    }
  }

  /** Answers a PING whose context lies between two places. */
  pushPong(bytes: Uint8Array, from: number, to: number): void {
    this.push(PONG_HEADERS[to - from] as Uint8Array);
    this.push(bytes, from, to);
  }

  /** Offers what waits to the kernel; what that took, or negative errno. */
  send(fd: number): number {
    const sent = send(fd, this.#bytes, this.#start, this.length);
    if (sent > 0) this.#start += sent;
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return sent;
  }

  #reserve(more: number): void {
    const bytes = this.#bytes;
    if (this.#end + more <= bytes.length) return;
    const used = this.length;
    let capacity = bytes.length;
    while (capacity < used + more) capacity *= 2;
    const target = capacity === bytes.length
      ? bytes
      : new Uint8Array(new ArrayBuffer(capacity));
    target.set(bytes.subarray(this.#start, this.#end));
    this.#bytes = target;
    this.#start = 0;
    this.#end = used;
  }
}
