// Message bodies whose content is known from two small numbers, so that both
// ends of a connection can check what arrived without having sent it around.
import { createHash } from "node:crypto";

/** Bytes that depend on size and seed only; peer.mjs makes the same. */
export function patternBytes(size: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = (Math.imul(seed, 2654435761) + 1) >>> 0 || 1;
  for (let index = 0; index < words.length; index += 1) {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** The SHA-256 of some bytes, as hex digits. */
export function sha256(bytes: Uint8Array): string {
  // Copied in steps: a hash refuses bytes in shared memory.
  const hash = createHash("sha256");
  const step = 1 << 20;
  for (let at = 0; at < bytes.length; at += step) {
    hash.update(Uint8Array.from(bytes.subarray(at, at + step)));
  }
  return hash.digest("hex");
}

/** A body that carries a number first and is filled with its low byte. */
export function numberedBody(number: number, size: number): Uint8Array {
  const body = new Uint8Array(size).fill(number & 0xff);
  new DataView(body.buffer).setUint32(0, number, true);
  return body;
}

/** The number in a body made by {@linkcode numberedBody}. */
export function numberOf(body: Uint8Array): number {
  return (body[0] ?? 0) + (body[1] ?? 0) * 0x100 + (body[2] ?? 0) * 0x10000 +
    (body[3] ?? 0) * 0x1000000;
}

/** Throws unless `body` is exactly the numbered body of that size. */
export function checkNumbered(
  body: Uint8Array | undefined,
  number: number,
  size: number,
): void {
  if (body === undefined || body.length !== size) {
    throw new Error(`Message ${number} has ${body?.length} bytes, not ${size}`);
  }
  const found = numberOf(body);
  if (found !== number) throw new Error(`Got ${found} instead of ${number}`);
  if (size > 4 && body[size - 1] !== (number & 0xff)) {
    throw new Error(`Message ${number} has a wrong last byte`);
  }
}

/** Bytes from hex digits; blanks are ignored. */
export function fromHex(digits: string): Uint8Array {
  const clean = digits.replace(/\s+/g, "");
  const bytes = new Uint8Array(clean.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = parseInt(clean.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

/** Hex digits of some bytes. */
export function toHex(bytes: Uint8Array): string {
  let digits = "";
  for (const byte of bytes) digits += byte.toString(16).padStart(2, "0");
  return digits;
}
