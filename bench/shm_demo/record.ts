// The records of the demo: each tells its number, and its content follows from
// that, so that a reader sees whether it is whole.

const HEAD_BYTES = 8;
const CONTENT_WORDS_MAX = 40;

/** What a record is for. */
export const RecordKind = { DATA: 0, LAST: 1 } as const;

/** Writes the record of a number; the bytes of `room` that it takes. */
export function fillRecord(
  room: Uint8Array,
  number: number,
  kind: number,
): Uint8Array {
  const words = number % CONTENT_WORDS_MAX;
  const record = room.subarray(0, HEAD_BYTES + 4 * words);
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  view.setUint32(0, number);
  view.setUint32(4, kind);
  for (let word = 0; word < words; word++) {
    view.setUint32(HEAD_BYTES + 4 * word, wordOf(number, word));
  }
  return record;
}

/** Bytes of the largest record. */
export const RECORD_BYTES_MAX: number = HEAD_BYTES + 4 * CONTENT_WORDS_MAX;

/** The kind of a record. Throws when any of it is not that number's. */
export function checkRecord(record: Uint8Array, number: number): number {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const words = number % CONTENT_WORDS_MAX;
  if (
    record.length !== HEAD_BYTES + 4 * words || view.getUint32(0) !== number
  ) {
    throw new Error(`Record ${number} is another one, or torn`);
  }
  for (let word = 0; word < words; word++) {
    if (view.getUint32(HEAD_BYTES + 4 * word) !== wordOf(number, word)) {
      throw new Error(`Record ${number} is torn at its word ${word}`);
    }
  }
  return view.getUint32(4);
}

function wordOf(number: number, word: number): number {
  return Math.imul(number + word * 0x9e3779b1, 0x85ebca6b) >>> 0;
}
