// Numbered messages: what a sender puts into each message and a receiver looks
// for. bench/libzmq/stamp.h and bench/libzmq/peer.mjs use the same layout: octets
// 0..3 the number (little-endian), one octet between them and the last one, at a
// place that goes on with the number, the complement of its low eight bits, the
// last octet these bits. Both sides write and read no more than that, so that the
// check costs little. Over a run it comes to every octet of small messages, and
// to places all over large ones.

/** Messages below this carry only the last octet. */
export const NUMBERED_SIZE_MIN = 6;

const NUMBER_BYTES = 4;
/** From a message's octet in the middle to the next one's; a prime. */
const MIDDLE_STEP = 7919;

/** Where the octet in the middle is. */
function middleOf(size: number, sequence: number): number {
  const way = Math.imul(sequence, MIDDLE_STEP) & 0x7fffffff;
  return NUMBER_BYTES + way % (size - NUMBER_BYTES - 1);
}

/** Numbers a message in place; `sequence` is below 2^31. */
export function stamp(bytes: Uint8Array, sequence: number): void {
  const size = bytes.length;
  if (size === 0) return;
  if (size >= NUMBERED_SIZE_MIN) {
    bytes[0] = sequence;
    bytes[1] = sequence >>> 8;
    bytes[2] = sequence >>> 16;
    bytes[3] = sequence >>> 24;
    bytes[middleOf(size, sequence)] = ~sequence;
  }
  bytes[size - 1] = sequence;
}

/** The number of a message of at least {@linkcode NUMBERED_SIZE_MIN} octets. */
export function numberOf(bytes: Uint8Array): number {
  return (bytes[0] ?? 0) | (bytes[1] ?? 0) << 8 | (bytes[2] ?? 0) << 16 |
    (bytes[3] ?? 0) << 24;
}

/** Throws unless `bytes` is what {@linkcode stamp} made of it. */
export function checkStamp(bytes: Uint8Array, sequence: number): void {
  const size = bytes.length;
  if (size === 0) return;
  const low = sequence & 0xff;
  if (size >= NUMBERED_SIZE_MIN) {
    const found = numberOf(bytes);
    if (found !== sequence) {
      throw new Error(`Expected message ${sequence}: received ${found}`);
    }
    const middle = middleOf(size, sequence);
    if (bytes[middle] !== (low ^ 0xff)) throw otherContent(sequence, middle);
  }
  if (bytes[size - 1] !== low) throw otherContent(sequence, size - 1);
}

function otherContent(sequence: number, at: number): Error {
  return new Error(`Message ${sequence} has other content at octet ${at}`);
}

/** Throws unless the message has one part of the announced size. */
export function checkSize(
  parts: readonly { length: number }[],
  size: number,
): void {
  const length = parts[0]?.length ?? -1;
  if (parts.length !== 1 || length !== size) {
    throw new Error(
      `message of incorrect size received: ${parts.length} parts, ${length} B`,
    );
  }
}
