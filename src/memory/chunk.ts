// libzmq: yqueue.hpp (chunk_t) · runs on: any · RFC: –

/** Words at the start of a chunk, before its frames. */
export const CHUNK = {
  /** The chunk that follows. */
  NEXT: 0,
  /** Bytes of frames in it, or -1 while the writer may add to it. */
  USED: 1,
  /** Its size in bytes, header included. */
  SIZE: 2,
  /** {@link CHUNK_PIN} for each view with the user, and {@link CHUNK_LEFT}. */
  PINS: 3,
} as const;

/** What a view that the user holds adds to a chunk's pins. */
export const CHUNK_PIN = 2;
/** What the reader adds when it is done with the chunk. */
export const CHUNK_LEFT = 1;

/** Bytes before a chunk's first frame. */
export const CHUNK_HEADER_BYTES = 16;

/** Chunk sizes grow with traffic, so that an idle pipe stays small. */
export const FIRST_CHUNK_BYTES = 256;
export const SECOND_CHUNK_BYTES = 4096;

/**
 * Marks of our own in a frame's flags byte. On the wire these bits are
 * reserved: the engine refuses them before it publishes a frame.
 */
export const PrivateFlag = {
  /** The body names a block: reference, offset, length as three u32. */
  DESCRIPTOR: 0x08,
  /** The connection behind the pipe changed; the body says to whom. */
  CHANGED: 0x10,
} as const;

/** Body of a descriptor frame, bytes. */
export const DESCRIPTOR_BYTES = 12;
