// libzmq: msg.cpp (commands), null_mechanism.cpp, stream_engine_base.cpp · runs on: any · RFC: 23, 37

// Bodies of command frames: a name with its length in front, then data. Parsers
// take the range of a body, never throw, and answer with the name of a protocol
// error when the peer made a mistake. What they return is copied out.

import {
  FRAME_COMMAND,
  headerSize,
  writeHeader,
} from "../base/frame_header.ts";
import { PING_CONTEXT_BYTES_MAX } from "../base/limits.ts";
import type { ProtocolError } from "../base/protocol_error.ts";

/** The commands that are known. Mechanisms other than NULL add theirs. */
export const CommandKind = {
  /** Well formed, but of no known name: to be skipped once traffic flows. */
  UNKNOWN: 0,
  READY: 1,
  ERROR: 2,
  SUBSCRIBE: 3,
  CANCEL: 4,
  PING: 5,
  PONG: 6,
} as const;

/** One of the numbers in `CommandKind`. */
export type CommandKind = typeof CommandKind[keyof typeof CommandKind];

/** What `identifyCommand` says of a body that does not begin with a name. */
export const COMMAND_MALFORMED = -1;

// Indexed by CommandKind.
const NAMES: readonly string[] = [
  "",
  "READY",
  "ERROR",
  "SUBSCRIBE",
  "CANCEL",
  "PING",
  "PONG",
];

/** The kind of the command with this body, or `COMMAND_MALFORMED`. */
export function identifyCommand(
  bytes: Uint8Array,
  start: number,
  end: number,
): CommandKind | typeof COMMAND_MALFORMED {
  if (start >= end) return COMMAND_MALFORMED;
  const size = bytes[start] as number;
  const nameAt = start + 1;
  if (size === 0 || nameAt + size > end) return COMMAND_MALFORMED;
  for (let kind = 1; kind < NAMES.length; kind++) {
    const name = NAMES[kind] as string;
    if (name.length === size && hasText(bytes, nameAt, name)) {
      return kind as CommandKind;
    }
  }
  return isAlphabetic(bytes, nameAt, nameAt + size)
    ? CommandKind.UNKNOWN
    : COMMAND_MALFORMED;
}

/** Where the data of an identified command begins. */
export function commandDataStart(bytes: Uint8Array, start: number): number {
  return start + 1 + (bytes[start] as number);
}

/** A command's body: its name and the given data. */
export function encodeCommand(
  kind: Exclude<CommandKind, 0>,
  data: Uint8Array,
): Uint8Array {
  const name = NAMES[kind] as string;
  const body = new Uint8Array(1 + name.length + data.length);
  body[0] = name.length;
  for (let i = 0; i < name.length; i++) body[1 + i] = name.charCodeAt(i);
  body.set(data, 1 + name.length);
  return body;
}

/** The whole frame of a command: header and body. */
export function encodeCommandFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(headerSize(body.length) + body.length);
  frame.set(body, writeHeader(frame, 0, FRAME_COMMAND, body.length));
  return frame;
}

/** Asks a publisher for messages that begin with the prefix. */
export function encodeSubscribe(prefix: Uint8Array): Uint8Array {
  return encodeCommand(CommandKind.SUBSCRIBE, prefix);
}

/** Takes one SUBSCRIBE with the prefix back. */
export function encodeCancel(prefix: Uint8Array): Uint8Array {
  return encodeCommand(CommandKind.CANCEL, prefix);
}

/**
 * SUBSCRIBE or CANCEL as the body of a message, the way peers before ZMTP 3.1
 * (RFC 23) want it: one octet, 1 or 0, and the prefix.
 */
export function encodeLegacySubscription(
  kind: CommandKind,
  prefix: Uint8Array,
): Uint8Array {
  const body = new Uint8Array(1 + prefix.length);
  body[0] = kind === CommandKind.SUBSCRIBE ? 1 : 0;
  body.set(prefix, 1);
  return body;
}

/** Octets of a reason, which has one octet for its size. */
const REASON_BYTES_MAX = 255;

/** Tells a peer why its handshake is refused; what is not printable is "?". */
export function encodeError(reason: string): Uint8Array {
  const text = reason.slice(0, REASON_BYTES_MAX);
  const data = new Uint8Array(1 + text.length);
  data[0] = text.length;
  for (let i = 0; i < text.length; i++) {
    data[1 + i] = printable(text.charCodeAt(i));
  }
  return encodeCommand(CommandKind.ERROR, data);
}

/** What a peer's ERROR says. */
export interface ErrorCommand {
  /** Printable ASCII text without a meaning to the protocol. */
  readonly reason: string;
}

/** Reads an ERROR. */
export function parseError(
  bytes: Uint8Array,
  start: number,
  end: number,
): ErrorCommand | ProtocolError {
  const wrong = wrongKind(bytes, start, end, CommandKind.ERROR);
  if (wrong !== null) return wrong;
  const sizeAt = commandDataStart(bytes, start);
  if (sizeAt >= end || sizeAt + 1 + (bytes[sizeAt] as number) !== end) {
    return "ERR_ZMTP_MALFORMED_COMMAND_ERROR";
  }
  let reason = "";
  for (let i = sizeAt + 1; i < end; i++) {
    // It ends up in logs: no line breaks or escape sequences of strangers.
    reason += String.fromCharCode(printable(bytes[i] as number));
  }
  return { reason };
}

/** A sign of life that wants an answer. */
export interface PingCommand {
  /** Tenths of a second after which silence means death; 0 = not said. */
  readonly ttl: number;
  /** What the PONG has to carry. */
  readonly context: Uint8Array;
}

/** The largest time-to-live, in tenths of a second (two octets). */
export const PING_TTL_MAX = 0xffff;

/** Asks for a PONG. */
export function encodePing(ttl: number, context: Uint8Array): Uint8Array {
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > PING_TTL_MAX) {
    throw new RangeError(`Cannot ping with a time-to-live of ${ttl}`);
  }
  checkContext(context);
  const data = new Uint8Array(2 + context.length);
  data[0] = ttl >>> 8;
  data[1] = ttl;
  data.set(context, 2);
  return encodeCommand(CommandKind.PING, data);
}

/** Reads a PING. */
export function parsePing(
  bytes: Uint8Array,
  start: number,
  end: number,
): PingCommand | ProtocolError {
  const contextAt = pingContextStart(bytes, start, end);
  if (typeof contextAt === "string") return contextAt;
  const ttlAt = contextAt - 2;
  const ttl = ((bytes[ttlAt] as number) << 8) | (bytes[ttlAt + 1] as number);
  return { ttl, context: bytes.slice(contextAt, end) };
}

/** Where the context of a PING begins, or what is wrong with it. */
export function pingContextStart(
  bytes: Uint8Array,
  start: number,
  end: number,
): number | ProtocolError {
  const wrong = wrongKind(bytes, start, end, CommandKind.PING);
  if (wrong !== null) return wrong;
  const contextAt = commandDataStart(bytes, start) + 2;
  // RFC 37: the context MUST NOT exceed 16 octets. Echoing more would let a
  // peer make us send as much as it likes.
  if (contextAt > end || end - contextAt > PING_CONTEXT_BYTES_MAX) {
    return "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED";
  }
  return contextAt;
}

/** Answers a PING that had this context. */
export function encodePong(context: Uint8Array): Uint8Array {
  checkContext(context);
  return encodeCommand(CommandKind.PONG, context);
}

/** The answer to a PING. */
export interface PongCommand {
  readonly context: Uint8Array;
}

/** Reads a PONG. */
export function parsePong(
  bytes: Uint8Array,
  start: number,
  end: number,
): PongCommand | ProtocolError {
  const wrong = wrongKind(bytes, start, end, CommandKind.PONG);
  if (wrong !== null) return wrong;
  const contextAt = commandDataStart(bytes, start);
  if (end - contextAt > PING_CONTEXT_BYTES_MAX) {
    return "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED";
  }
  return { context: bytes.slice(contextAt, end) };
}

/** Null if a body is of the wanted kind, else what is wrong with it. */
export function wrongKind(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: CommandKind,
): ProtocolError | null {
  const kind = identifyCommand(bytes, start, end);
  if (kind === wanted) return null;
  return kind === COMMAND_MALFORMED
    ? "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"
    : "ERR_ZMTP_UNEXPECTED_COMMAND";
}

function checkContext(context: Uint8Array): void {
  if (context.length > PING_CONTEXT_BYTES_MAX) {
    throw new RangeError(`Cannot ping with ${context.length} octets`);
  }
}

function printable(code: number): number {
  return code >= 0x20 && code <= 0x7e ? code : 0x3f;
}

function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** RFC 23: command-name-char = ALPHA. */
function isAlphabetic(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const lower = (bytes[i] as number) | 0x20;
    if (lower < 0x61 || lower > 0x7a) return false;
  }
  return true;
}
