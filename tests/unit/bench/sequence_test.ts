import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  checkSize,
  checkStamp,
  numberOf,
  stamp,
} from "../../../bench/sequence.ts";

function stamped(size: number, sequence: number): Uint8Array {
  const bytes = new Uint8Array(size);
  stamp(bytes, sequence);
  return bytes;
}

describe("a numbered message", () => {
  test("is known by its number, at every size", () => {
    for (const size of [0, 1, 5, 6, 7, 16, 64, 1024, 65_536]) {
      for (const sequence of [0, 1, 255, 256, 70_000, 2 ** 31 - 1]) {
        const bytes = stamped(size, sequence);
        checkStamp(bytes, sequence);
        if (size >= 6) assert.equal(numberOf(bytes), sequence);
      }
    }
  });

  test("is no other message", () => {
    assert.throws(
      () => checkStamp(stamped(64, 5), 6),
      /Expected message 6: received 5/,
    );
    assert.throws(() => checkStamp(stamped(64, 5 + 256), 5), /received 261/);
    assert.throws(() => checkStamp(stamped(1, 5), 6), /other content/);
  });

  test("has every octet looked at by one message or another", () => {
    const size = 32;
    const noticed = new Set<number>();
    for (let sequence = 0; sequence < 2 * size; sequence++) {
      for (let at = 0; at < size; at++) {
        const bytes = stamped(size, sequence);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        try {
          checkStamp(bytes, sequence);
        } catch {
          noticed.add(at);
        }
      }
    }
    assert.equal(noticed.size, size);
  });

  test("has one part of the size it was sent with", () => {
    checkSize([{ length: 3 }], 3);
    assert.throws(() => checkSize([{ length: 3 }], 4), /1 parts, 3 B/);
    assert.throws(
      () => checkSize([{ length: 3 }, { length: 0 }], 3),
      /2 parts/,
    );
    assert.throws(() => checkSize([], 0), /0 parts/);
  });
});
