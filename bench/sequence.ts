// Numbered messages: what `--check` puts into a message and looks for on the
// other end. bench/libzmq/perf.c and bench/libzmq/peer.mjs use the same layout:
// bytes 0..7 the number (little-endian), the last byte its low eight bits.

/** Messages shorter than this carry no number; their length is still checked. */
export const NUMBERED_SIZE_MIN = 8;

/** A fresh message of `size` bytes that carries `sequence`. */
export function numberedMessage(size: number, sequence: number): Uint8Array {
  const bytes = new Uint8Array(size);
  if (size < NUMBERED_SIZE_MIN) return bytes;
  bytes[size - 1] = sequence & 0xff;
  let rest = sequence;
  for (let index = 0; index < NUMBERED_SIZE_MIN; index++) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** Throws unless `bytes` is what {@linkcode numberedMessage} made. */
export function checkNumbered(bytes: Uint8Array, sequence: number): void {
  const size = bytes.length;
  if (size < NUMBERED_SIZE_MIN) return;
  let found = 0;
  for (let index = NUMBERED_SIZE_MIN - 1; index >= 0; index--) {
    found = found * 256 + (bytes[index] ?? 0);
  }
  // In a message of exactly eight bytes the last byte belongs to the number.
  const tailMatches = size === NUMBERED_SIZE_MIN ||
    bytes[size - 1] === (sequence & 0xff);
  if (found !== sequence || !tailMatches) {
    throw new Error(`Expected message ${sequence}: received ${found}`);
  }
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
