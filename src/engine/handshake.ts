// libzmq: zmtp_engine.cpp (handshake), null_mechanism.{hpp,cpp} · runs on: io thread · RFC: 23 (NULL, READY, ERROR)

import {
  FRAME_COMMAND,
  FRAME_LONG,
  readBodyLength,
} from "../base/frame_header.ts";
import { HANDSHAKE_COMMAND_BYTES_MAX } from "../base/limits.ts";
import type { SocketOptions } from "../base/options.ts";
import type { ProtocolError } from "../base/protocol_error.ts";
import {
  CommandKind,
  encodeCommandFrame,
  encodeError,
  identifyCommand,
} from "../zmtp/command_codec.ts";
import { checkFrame } from "../zmtp/frame_check.ts";
import {
  encodeGreeting,
  GreetingParser,
  speaksZmtp31,
} from "../zmtp/greeting.ts";
import { checkReady, encodeReady, parseReady } from "../zmtp/ready_codec.ts";

/** Octets of the shortest command: the size of its name, one character. */
const COMMAND_BYTES_MIN = 2;

/** Bytes of a peer that are held before its handshake is done. */
export const HANDSHAKE_BUFFER_BYTES: number = HANDSHAKE_COMMAND_BYTES_MAX;

/** The same for every connection; nobody writes into it. */
const GREETING: Uint8Array = encodeGreeting("NULL", false);

/** Greeting and NULL handshake of one connection; no input or output. */
export class Handshake {
  readonly #options: SocketOptions;
  readonly #greeting = new GreetingParser("NULL");
  #reply: Uint8Array | null = null;
  #greeted = false;

  /** Why the peer is turned away. */
  error: ProtocolError | null = null;
  done = false;
  peerRoutingId: Uint8Array = new Uint8Array(0);
  peerSpeaks31 = false;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** What we say first. */
  greeting(): Uint8Array {
    return GREETING;
  }

  /** What is to be sent now, once. */
  takeReply(): Uint8Array | null {
    const reply = this.#reply;
    this.#reply = null;
    return reply;
  }

  /** Takes bytes; gives how many were dealt with. */
  feed(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (!this.#greeted) {
      at += this.#greeting.consume(bytes, at, end);
      this.error = this.#greeting.error;
      const { greeting } = this.#greeting;
      if (greeting === null) return at;
      this.#greeted = true;
      this.peerSpeaks31 = speaksZmtp31(greeting);
      const { type, routingId } = this.#options;
      this.#reply = encodeCommandFrame(encodeReady(type, routingId));
    }
    while (!this.done && this.error === null && end - at >= 2) {
      const size = this.#frame(bytes, at, end);
      if (size === 0) break;
      at += size;
    }
    return at;
  }

  /** Handles one command frame; 0 when it is not whole yet. */
  #frame(bytes: Uint8Array, at: number, end: number): number {
    const flags = bytes[at] as number;
    let header = 2;
    let length = bytes[at + 1] as number;
    if ((flags & FRAME_LONG) !== 0) {
      header = 9;
      if (end - at < header) {
        // The length is still to come: the least that a command has stands in.
        this.error = (flags & FRAME_COMMAND) === 0
          ? "ERR_ZMTP_UNEXPECTED_COMMAND"
          : checkFrame(flags, COMMAND_BYTES_MIN, -1, HANDSHAKE_BUFFER_BYTES);
        return 0;
      }
      length = readBodyLength(bytes, at);
    }
    this.error = (flags & FRAME_COMMAND) === 0
      ? "ERR_ZMTP_UNEXPECTED_COMMAND"
      : checkFrame(flags, length, -1, HANDSHAKE_BUFFER_BYTES - header);
    if (this.error !== null || end - at < header + length) return 0;
    this.#command(bytes, at + header, at + header + length);
    return header + length;
  }

  #command(bytes: Uint8Array, start: number, end: number): void {
    if (identifyCommand(bytes, start, end) === CommandKind.ERROR) {
      this.error = "ERR_ZMTP_REFUSED_BY_PEER";
      return;
    }
    const ready = parseReady(bytes, start, end);
    if (typeof ready === "string") {
      this.error = ready;
      return;
    }
    this.error = checkReady(this.#options.type, ready);
    if (this.error !== null) {
      // The peer learns why, and need not try again.
      const refusal = encodeCommandFrame(encodeError("Invalid socket type"));
      this.#reply = this.#reply === null
        ? refusal
        : joined(this.#reply, refusal);
      return;
    }
    this.peerRoutingId = ready.routingId;
    this.done = true;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
