// libzmq: none · runs on: any · RFC: –

/*
 * A queue's file, in 32-bit words of the machine's byte order:
 *
 *   what the queue is    written before the file has its name, then never
 *   the producer's line  head, intent, state: only the producer writes them
 *   sleepers' line       a consumer is about to sleep: consumers set, the
 *                        producer clears
 *   gate's line          a held-back producer sleeps here
 *   consumers' rows      one line each, in queues that hold the producer back
 *   descriptors          four words for each slot
 *   slots                from the next page on
 *   end mark             the last word, in a page of its own
 *
 * A position counts slots since the epoch began, a sequence number counts
 * records. Slot and descriptor of position p are those of p modulo the number
 * of slots, a power of two. A record of several slots lies in one piece; where
 * it would not fit before the ring's end, the slots there are padding.
 *
 * The producer writes a record in this order:
 *   1. intent := a position behind the record (from now on whatever lies a ring
 *      or more before `intent` counts as overwritten)
 *   2. bytes and descriptors, plain
 *   3. head := the position behind the record
 *   4. if the sleepers' word is set: clear it and wake them
 * A consumer reads head, then descriptor and bytes, then intent, and takes them
 * only when intent has not come a ring past them. So a half-written record is
 * never below head, and one that is overwritten while it is read is found out.
 *
 * Who may write the file may also make it shorter. The kernel takes whole pages
 * away first and then fills the rest of the last one with zeros. So whoever has
 * read zeros in a record's place can no longer read the end mark, and believes
 * what he has read only when he can: it is looked at after everything else. What
 * is in the place of pages that are gone, the fault guard says: zeros, too.
 */

/** Names of the words, as their numbers. */
export const Word = {
  MAGIC: 0,
  MAGIC_END: 1,
  VERSION: 2,
  BYTE_ORDER: 3,
  ROWS_AT: 4,
  SLOTS: 5,
  SLOT_BYTES: 6,
  ROWS: 7,
  /** How consumers wait: see `Waiting`. */
  WAITING: 8,
  /** How long consumers may hold the producer back, ms; -1 = not at all. */
  HOLD_BACK_MS: 9,
  FILE_BYTES_LOW: 10,
  FILE_BYTES_HIGH: 11,
  PID: 12,
  START_LOW: 13,
  START_HIGH: 14,
  EPOCH_LOW: 15,
  EPOCH_HIGH: 16,
  /** Position and sequence number of the epoch's first record. */
  FIRST_LOW: 17,
  FIRST_BLOCK: 18,

  /** The position behind the newest record; futex waits sleep on it. */
  HEAD_LOW: 32,
  HEAD_BLOCK: 33,
  /** The position up to which slots may be in the middle of being written. */
  INTENT_LOW: 34,
  INTENT_BLOCK: 35,
  /** See `QueueState`. */
  STATE: 36,

  /** 1 when a consumer sleeps, or is about to. */
  SLEEPERS: 48,
  /** 1 when the producer woke a crowd of them the last time. */
  CROWD: 49,

  /** 1 when the producer sleeps on `GATE`, or is about to. */
  GATE_WAITING: 64,
  GATE: 65,
  /** The lower word of the position that it wants no consumer to be behind. */
  GATE_LOW: 66,

  /** The first consumer's row. */
  FIRST_ROW: 80,
} as const;

/** The words that tell what a queue is. */
export const IDENTITY_WORDS = 32;

/** Words of a consumer's row: a cache line. */
export const ROW_WORDS = 16;
export const Row = { STATE: 0, LOW: 1, BLOCK: 2, PID: 3 } as const;
export const RowState = { FREE: 0, ACTIVE: 1, EVICTED: 2 } as const;

/** Words of a slot's descriptor. */
export const DESCRIPTOR_WORDS = 4;
export const Descriptor = {
  /** The lower word of the slot's position. */
  STAMP: 0,
  /**
   * Bytes of the record that begins here; minus the number of slots since its
   * beginning in its others; `PADDING` where the rest of the ring is skipped.
   */
  LENGTH: 1,
  /** The record's sequence number; that of the record before a padding. */
  SEQUENCE_LOW: 2,
  SEQUENCE_BLOCK: 3,
} as const;
export const PADDING: number = -(2 ** 31);

export const QueueState = { OPEN: 1, CLOSED: 2 } as const;
export const Waiting = { FUTEX: 0, RECORD_LOCK: 1 } as const;

export const MAGIC = 0x716d7a70; // "pzmq" in bytes
export const MAGIC_END = 0x716d6873; // "shmq"
export const MAGIC_SWAPPED = 0x707a6d71;
export const LAYOUT_VERSION = 3;
export const BYTE_ORDER = 0x01020304;
export const END_MARK = 0x646e6571; // "qend" in bytes

/** Slots of a queue at most: positions of a block, with room for a padding. */
export const SLOTS_MAX: number = 2 ** 22;
/** Bytes of a queue's file at most: typed arrays are fast below that. */
export const FILE_BYTES_MAX: number = 2 ** 31 - 2 ** 16;
/** Consumers that can hold a producer back: it looks at all of their rows. */
export const ROWS_MAX = 1024;

const PAGE = 4096;
/** Slots begin at multiples of it, so that copies are of whole words. */
export const SLOT_ALIGNMENT = 8;

/** Where things are in a queue's file. */
export interface Geometry {
  readonly slots: number;
  /** From one slot to the next; a multiple of 8. */
  readonly slotBytes: number;
  readonly rows: number;
  /** The number of the first descriptor's first word. */
  readonly descriptorsAt: number;
  /** The first slot's first byte. */
  readonly dataAt: number;
  /** The end mark's first byte. */
  readonly endMarkAt: number;
  readonly fileBytes: number;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** The layout of a queue of so many slots, bytes each and consumers' rows. */
export function geometryOf(
  slots: number,
  slotSize: number,
  rows: number,
): Geometry {
  const slotBytes = roundUp(slotSize, SLOT_ALIGNMENT);
  const descriptorsAt = Word.FIRST_ROW + rows * ROW_WORDS;
  const descriptorsEnd = descriptorsAt + slots * DESCRIPTOR_WORDS;
  const dataAt = roundUp(descriptorsEnd * 4, PAGE);
  // The last word, so that it is gone as soon as anything is.
  const fileBytes = roundUp(dataAt + slots * slotBytes, PAGE) + PAGE;
  const endMarkAt = fileBytes - 4;
  return {
    slots,
    slotBytes,
    rows,
    descriptorsAt,
    dataAt,
    endMarkAt,
    fileBytes,
  };
}
