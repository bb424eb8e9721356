// libzmq: none · runs on: any · RFC: –

/** Words that a buffer shares with the thread that fills it. */
export const Board = {
  /** Records put in. */
  PUT: 0,
  /** Records taken out; the thread sleeps on it. */
  TAKEN: 1,
  /** 1 = the buffer is closed. */
  CLOSED: 2,
  /** See `BufferState`. */
  STATE: 3,
  /** Bytes of the text that tells the end, behind the last entry. */
  END_BYTES: 4,
  /** Counts what there is to look at; the buffer's owner sleeps on it. */
  BELL: 5,
  FIRST_ENTRY: 8,
} as const;

export const BufferState = {
  STARTING: 0,
  /** The thread reads the queue itself. */
  READING: 1,
  /** The queue has ended; what was put in is still there. */
  ENDED: 2,
  /** The queue was gone before the thread came to it. */
  MISSED: 3,
} as const;

/** Words of an entry: a record's place, number, epoch, and the loss before. */
export const ENTRY_WORDS = 8;
export const Entry = {
  AT: 0,
  LENGTH: 1,
  SEQUENCE_LOW: 2,
  SEQUENCE_HIGH: 3,
  EPOCH_LOW: 4,
  EPOCH_HIGH: 5,
  LOST: 6,
} as const;

/** Bytes for the text that tells how a queue has ended. */
export const END_TEXT_BYTES = 2048;

/** What the thread is told at its start. */
export interface BufferThreadData {
  readonly role: "shm-buffer";
  readonly name: string;
  readonly directory: string;
  readonly follow: boolean;
  /** The epoch, and the number of its record to begin with. */
  readonly epoch: number;
  readonly expected: bigint | null;
  readonly capacity: number;
  /** Entries on the board, a power of two, less one. */
  readonly mask: number;
  readonly board: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}
