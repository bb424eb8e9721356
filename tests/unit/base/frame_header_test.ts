import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BODY_TOO_LARGE,
  FRAME_COMMAND,
  FRAME_LONG,
  FRAME_MORE,
  FRAME_RESERVED,
  headerSize,
  headerSizeOfFlags,
  readBodyLength,
  readUint32,
  writeHeader,
  writeUint32,
} from "../../../src/base/frame_header.ts";

function header(flags: number, length: number): number[] {
  const bytes = new Uint8Array(12).fill(0xaa);
  const size = writeHeader(bytes, 1, flags, length);
  assert.equal(bytes[0], 0xaa, "wrote before its place");
  assert.equal(bytes[1 + size], 0xaa, "wrote behind its place");
  assert.equal(readBodyLength(bytes, 1), length);
  assert.equal(headerSize(length), size);
  assert.equal(headerSizeOfFlags(bytes[1] as number), size);
  return [...bytes.subarray(1, 1 + size)];
}

test("the flags are the RFC's bits", () => {
  assert.deepEqual([FRAME_MORE, FRAME_LONG, FRAME_COMMAND], [1, 2, 4]);
  assert.equal(FRAME_RESERVED, 0xff & ~7);
});

test("headers have the RFC's octets", () => {
  const table: [number, number, number[]][] = [
    [0, 0, [0, 0]],
    [FRAME_MORE, 1, [1, 1]],
    [FRAME_COMMAND, 255, [4, 255]],
    [0, 256, [2, 0, 0, 0, 0, 0, 0, 1, 0]],
    [FRAME_MORE, 0x12345678, [3, 0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78]],
    [FRAME_COMMAND, 0xffffffff, [6, 0, 0, 0, 0, 255, 255, 255, 255]],
    [0, 2 ** 32, [2, 0, 0, 0, 1, 0, 0, 0, 0]],
    [0, 2 ** 53 - 1, [2, 0, 0x1f, 255, 255, 255, 255, 255, 255]],
    // LONG follows from the size, whatever the caller passes.
    [FRAME_LONG, 3, [0, 3]],
    [FRAME_LONG, 300, [2, 0, 0, 0, 0, 0, 0, 1, 44]],
    // Private marks are kept.
    [0x80, 3, [0x80, 3]],
  ];
  for (const [flags, length, expected] of table) {
    assert.deepEqual(header(flags, length), expected);
  }
});

test("every power of two and its neighbours survive", () => {
  for (let exponent = 0; exponent <= 53; exponent++) {
    for (const delta of [-1, 0, 1]) {
      const length = 2 ** exponent + delta;
      if (length <= Number.MAX_SAFE_INTEGER) header(0, length);
    }
  }
});

test("a short size in a long field is read as it stands", () => {
  const bytes = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 5);
  assert.equal(readBodyLength(bytes, 0), 5);
});

test("sizes that numbers cannot count are too large", () => {
  const sizes = [
    [0x00, 0x20, 0, 0, 0, 0, 0, 0], // 2^53
    [0x00, 0x20, 0, 0, 0, 0, 0, 1],
    [0x01, 0, 0, 0, 0, 0, 0, 0],
    [0x7f, 255, 255, 255, 255, 255, 255, 255], // 2^63 - 1
    [0x80, 0, 0, 0, 0, 0, 0, 0], // 2^63
    [255, 255, 255, 255, 255, 255, 255, 255],
  ];
  for (const size of sizes) {
    assert.equal(readBodyLength(Uint8Array.of(2, ...size), 0), BODY_TOO_LARGE);
    assert.equal(readBodyLength(Uint8Array.of(7, ...size), 0), BODY_TOO_LARGE);
  }
});

test("numbers of four octets survive", () => {
  const bytes = new Uint8Array(6);
  for (const value of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x01020304]) {
    writeUint32(bytes, 1, value);
    assert.equal(readUint32(bytes, 1), value);
  }
  assert.deepEqual([...bytes], [0, 1, 2, 3, 4, 0]);
});
