// Records of 32 bytes that carry their number and a checksum.

/** Bytes of a record. */
export const CRC_RECORD_BYTES = 32;
const CRC_AT = 28;

const POLYNOMIAL = 0xedb88320;

/** Of a byte that none, one, two or three more follow: 256 entries each. */
const table: Int32Array = new Int32Array(4 * 256);
for (let entry = 0; entry < table.length; entry += 1) {
  let crc = entry < 256 ? entry : table[entry - 256] as number;
  for (let bit = 0; bit < 8; bit += 1) {
    crc = (crc & 1) !== 0 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  table[entry] = crc;
}

/** CRC-32, as zip and Ethernet have it, of the bytes before it, 4 at a time. */
function crcOf(record: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < CRC_AT; at += 4) {
    const word = crc ^ get(record, at);
    crc = (table[768 + (word & 0xff)] as number) ^
      (table[512 + (word >>> 8 & 0xff)] as number) ^
      (table[256 + (word >>> 16 & 0xff)] as number) ^
      (table[word >>> 24] as number);
  }
  return ~crc;
}

function put(record: Uint8Array, at: number, value: number): void {
  record[at] = value;
  record[at + 1] = value >>> 8;
  record[at + 2] = value >>> 16;
  record[at + 3] = value >>> 24;
}

function get(record: Uint8Array, at: number): number {
  return (record[at] as number) | (record[at + 1] as number) << 8 |
    (record[at + 2] as number) << 16 | (record[at + 3] as number) << 24;
}

/** Fills in the record of a number below 2^53. */
export function fillCrcRecord(record: Uint8Array, sequence: number): void {
  put(record, 0, sequence | 0);
  put(record, 4, Math.floor(sequence / 2 ** 32));
  for (let at = 8; at < CRC_AT; at += 4) {
    put(record, at, Math.imul(sequence + at, 0x9e3779b1));
  }
  put(record, CRC_AT, crcOf(record));
}

/** The number of a record; -1 when it is not as it was written. */
export function crcRecordNumber(record: Uint8Array): number {
  if (record.length !== CRC_RECORD_BYTES) return -1;
  if (get(record, CRC_AT) !== crcOf(record)) return -1;
  return (get(record, 0) >>> 0) + get(record, 4) * 2 ** 32;
}
