// libzmq: v2_protocol.hpp · runs on: any · RFC: 23 (Framing)

// A frame is a flags octet, a size of one or eight octets, and the body. The
// pipes of this library hold frames in this very form, so memory, zmtp and the
// patterns all read headers: that is why the layout lives in base.

/** Flag bit: more frames of the same message follow. Never on commands. */
export const FRAME_MORE = 0x01;
/** Flag bit: the size takes eight octets instead of one. */
export const FRAME_LONG = 0x02;
/** Flag bit: the frame is a command, not part of a message. */
export const FRAME_COMMAND = 0x04;
/** Bits a peer must leave zero. Behind that check they carry private marks. */
export const FRAME_RESERVED = 0xf8;

/** Octets of a header with a one-octet size. */
export const SHORT_HEADER_SIZE = 2;
/** Octets of a header with an eight-octet size; the largest header. */
export const LONG_HEADER_SIZE = 9;
/** The largest body with a short header. */
export const SHORT_BODY_MAX = 255;

/** What `readBodyLength` gives for a size beyond 2^53 - 1 octets. */
export const BODY_TOO_LARGE = -1;

const TWO_32 = 4294967296;

/** Octets of the header in front of a body of this many octets. */
export function headerSize(bodyLength: number): 2 | 9 {
  return bodyLength <= SHORT_BODY_MAX ? SHORT_HEADER_SIZE : LONG_HEADER_SIZE;
}

/** Octets of the header that starts with this flags octet. */
export function headerSizeOfFlags(flags: number): 2 | 9 {
  return (flags & FRAME_LONG) === 0 ? SHORT_HEADER_SIZE : LONG_HEADER_SIZE;
}

/**
 * Writes a frame header and gives its size, 2 or 9.
 *
 * @param flags MORE or COMMAND or 0, and private marks; LONG is set here.
 * @param bodyLength A safe integer, not negative.
 */
export function writeHeader(
  bytes: Uint8Array,
  offset: number,
  flags: number,
  bodyLength: number,
): 2 | 9 {
  if (bodyLength <= SHORT_BODY_MAX) {
    bytes[offset] = flags & ~FRAME_LONG;
    bytes[offset + 1] = bodyLength;
    return SHORT_HEADER_SIZE;
  }
  bytes[offset] = flags | FRAME_LONG;
  const high = Math.floor(bodyLength / TWO_32);
  bytes[offset + 1] = high >>> 24;
  bytes[offset + 2] = high >>> 16;
  bytes[offset + 3] = high >>> 8;
  bytes[offset + 4] = high;
  // Typed arrays keep the low eight bits; >>> first reduces modulo 2^32.
  bytes[offset + 5] = bodyLength >>> 24;
  bytes[offset + 6] = bodyLength >>> 16;
  bytes[offset + 7] = bodyLength >>> 8;
  bytes[offset + 8] = bodyLength;
  return LONG_HEADER_SIZE;
}

/**
 * The body length that a complete header at `offset` announces, or
 * `BODY_TOO_LARGE`. Numbers cannot count beyond 2^53 - 1 octets, and no memory
 * could hold such a frame; RFC 23 itself forbids 2^63 and more.
 */
export function readBodyLength(bytes: Uint8Array, offset: number): number {
  if (((bytes[offset] as number) & FRAME_LONG) === 0) {
    return bytes[offset + 1] as number;
  }
  const high = readUint32(bytes, offset + 1);
  if (high >= 0x200000) return BODY_TOO_LARGE;
  return high * TWO_32 + readUint32(bytes, offset + 5);
}

/** A big-endian number of four octets. The octets must be there. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return (((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)) >>> 0;
}

/** Writes a big-endian number of four octets. */
export function writeUint32(
  bytes: Uint8Array,
  offset: number,
  value: number,
): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
