// Records that tell whether they are whole: their number, their length and a
// content that follows from both.
import assert from "node:assert/strict";

/** Bytes of a record besides its content. */
const HEAD_BYTES = 8;
const CONTENT_BYTES_MAX = 700;

/** The record of a number. */
export function makeRecord(sequence: number): Uint8Array {
  const size = HEAD_BYTES + (sequence * 7919) % CONTENT_BYTES_MAX;
  const record = new Uint8Array(size);
  const view = new DataView(record.buffer);
  view.setUint32(0, sequence);
  view.setUint32(4, size);
  for (let at = HEAD_BYTES; at < size; at += 1) {
    record[at] = sequence * 31 + at * 17;
  }
  return record;
}

/** The number of a record; throws when any of it is another one's. */
export function checkRecord(record: Uint8Array): number {
  const { buffer, byteOffset, byteLength } = record;
  const view = new DataView(buffer, byteOffset, byteLength);
  const sequence = view.getUint32(0);
  assert.equal(view.getUint32(4), byteLength, `length of record ${sequence}`);
  for (let at = HEAD_BYTES; at < byteLength; at += 1) {
    if (record[at] === ((sequence * 31 + at * 17) & 0xff)) continue;
    assert.fail(`Record ${sequence} is torn at ${at} of ${byteLength}`);
  }
  return sequence;
}
