// libzmq: options.cpp (do_setsockopt_*) · runs on: any · RFC: –

// Checks of what applications write into options. A value of the wrong
// JavaScript type is a TypeError, one that makes no sense is EINVAL; the texts
// are zeromq.js's. Where its native binding would let a number wrap around or
// turn NaN and Infinity into 0, which for "linger" loses messages, the answer
// here is EINVAL.

import { ZmqError } from "./errors.ts";
import { OPTION_TEXT_BYTES_MAX, TOPIC_BYTES_MAX } from "./limits.ts";

/** Turns what an application wrote into what the record keeps, or throws. */
export type Validator<T> = (value: unknown) => T;

/** The largest number of 32 bits with a sign. */
export const INT32_MAX = 0x7fffffff;
const INT64_LIMIT = 2 ** 63;
const UINT64_LIMIT = 2 ** 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function invalid(): ZmqError {
  return new ZmqError("EINVAL");
}

/** True or false, nothing else. */
export function booleanValue(value: unknown): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError("Option value must be a boolean");
  }
  return value;
}

function numberValue(value: unknown): number {
  if (typeof value !== "number") {
    throw new TypeError("Option value must be a number");
  }
  if (Number.isNaN(value)) throw invalid();
  // Fractions are cut, as they always were. `+ 0` makes -0 a plain 0.
  return Math.trunc(value) + 0;
}

/** A whole number within bounds, both included. */
export function integerValue(
  min: number,
  max: number = INT32_MAX,
): Validator<number> {
  return (value: unknown): number => {
    const number = numberValue(value);
    if (number < min || number > max) throw invalid();
    return number;
  };
}

/** Any number of 64 bits with a sign; larger ones become the largest. */
export function int64Value(value: unknown): number {
  const number = numberValue(value);
  if (!Number.isFinite(number)) throw invalid();
  return Math.max(-INT64_LIMIT, Math.min(INT64_LIMIT, number));
}

/** Any number of 64 bits without a sign; negative ones become 0. */
export function uint64Value(value: unknown): number {
  const number = numberValue(value);
  return Math.max(0, Math.min(UINT64_LIMIT, number));
}

/** The bytes of a string or of a view; null for null. Never the caller's own. */
function bytesOrNull(value: unknown): Uint8Array | null {
  if (value === null) return null;
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw new TypeError("Option value must be a string or buffer");
}

/** Text of 1 to 255 bytes without NUL, or null. */
export function textValue(value: unknown): string | null {
  const bytes = bytesOrNull(value);
  if (bytes === null) return null;
  if (bytes.length === 0 || bytes.length > OPTION_TEXT_BYTES_MAX) {
    throw invalid();
  }
  // C functions would take the text before a NUL for the whole.
  if (bytes.includes(0)) throw invalid();
  return decoder.decode(bytes);
}

/**
 * A routing id: 1 to 255 bytes. Those that begin with a zero octet are reserved
 * (RFC 23, "The Identity Property"): ROUTERs make such ones up for peers that
 * have none, and peers refuse them.
 */
export function routingIdValue(value: unknown): Uint8Array {
  const bytes = bytesOrNull(value);
  if (bytes === null || bytes.length === 0) throw invalid();
  if (bytes.length > OPTION_TEXT_BYTES_MAX || bytes[0] === 0) throw invalid();
  return bytes;
}

/**
 * Refuses a prefix that the connection of every publisher would break at.
 *
 * @throws {ZmqError} EMSGSIZE
 */
export function checkTopicSize(lengthBytes: number): void {
  if (lengthBytes <= TOPIC_BYTES_MAX) return;
  throw new ZmqError("EMSGSIZE", {
    message: `Cannot subscribe to a prefix of ${lengthBytes} bytes: ` +
      `at most ${TOPIC_BYTES_MAX} are possible`,
  });
}

/** Bytes of any number; null is none. */
export function bytesValue(value: unknown): Uint8Array {
  return bytesOrNull(value) ?? new Uint8Array(0);
}

/** One of a few given values. */
export function choiceValue<T extends string | null>(
  ...choices: readonly T[]
): Validator<T> {
  return (value: unknown): T => {
    const found = choices.indexOf(value as T);
    if (found < 0) throw invalid();
    return choices[found] as T;
  };
}

/** Bytes as the text that zeromq.js shows: up to the first NUL; null if none. */
export function optionText(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return null;
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
