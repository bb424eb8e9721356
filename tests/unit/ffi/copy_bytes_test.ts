import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import { copyBytes } from "../../../ffi/mod.ts";

const LENGTHS = [0, 1, 7, 64, 383, 384, 385, 1000, 4096, 65_536];

/** Bytes that tell where they come from. */
function numbered(bytes: Uint8Array): Uint8Array {
  for (let n = 0; n < bytes.length; n += 1) bytes[n] = n * 7 + (n >>> 8);
  return bytes;
}

const PRIVATE = "private";
const SHARED = "shared";

function memory(kind: string, length: number): Uint8Array {
  return kind === SHARED
    ? new Uint8Array(new SharedArrayBuffer(length))
    : new Uint8Array(length);
}

describe("copyBytes", () => {
  for (const [from, to] of [[PRIVATE, SHARED], [SHARED, PRIVATE]] as const) {
    test(`${from} to ${to}, whatever the size and alignment`, () => {
      const source = numbered(memory(from, 65_560));
      for (const length of LENGTHS) {
        for (let shift = 0; shift < 9; shift += 1) {
          const target = memory(to, length + 32);
          copyBytes(target, 11, source, shift, shift + length);
          const expected = new Uint8Array(length + 32);
          expected.set(source.subarray(shift, shift + length), 11);
          assert.ok(
            Buffer.compare(new Uint8Array(target), expected) === 0,
            `${length} bytes from ${shift}, and nothing beside them`,
          );
        }
      }
    });
  }

  test("a whole view, of the middle of its buffer", () => {
    const source = numbered(new Uint8Array(2000)).subarray(3, 1503);
    const target = memory(SHARED, 1500);
    copyBytes(target, 0, source, 0, source.length);
    assert.deepEqual(new Uint8Array(target), new Uint8Array(source));
  });

  for (const length of [10, 1000]) {
    test(`refuses ${length} bytes for which there is no room`, () => {
      const target = memory(SHARED, length);
      const source = new Uint8Array(length).fill(1);
      assert.throws(() => copyBytes(target, 1, source, 0, length), RangeError);
      assert.ok(target.every((byte) => byte === 0), "nothing was written");
    });
  }

  test("believes no class that says more of itself than there is", () => {
    class Liar extends Uint8Array {
      override get length(): number {
        return 5000;
      }
    }
    const target = memory(SHARED, 5000);
    const source = new Liar(new Uint8Array(600).fill(1).buffer);
    try {
      copyBytes(target, 0, source, 0, 5000);
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
    assert.ok(target.subarray(600).every((byte) => byte === 0));
  });

  test("copies from where it was told, also as much as there is", () => {
    const source = numbered(new Uint8Array(600));
    const target = memory(SHARED, 600);
    assert.throws(() => copyBytes(target, 0, source, 5, 605), RangeError);
  });
});
