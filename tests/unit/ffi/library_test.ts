import assert from "node:assert/strict";
import { test } from "node:test";
import { library as chosen } from "../../../ffi/choose_library.ts";
import type { Library } from "../../../ffi/library.ts";
import { addressOf, host } from "../../../ffi/mod.ts";
import { libraryNames } from "../../../ffi/symbols.ts";

const library = chosen as Library;
const libcName = libraryNames(host.os, host.arch)[0] as string;

test("words of any size cross to C and back", () => {
  const { memmove, labs } = library.open(libcName, {
    memmove: { parameters: ["buffer", "buffer", "word"], result: "word" },
    labs: { parameters: ["word"], result: "word" },
  });
  assert.ok(memmove !== undefined && labs !== undefined);
  for (const value of [1, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
    assert.equal(Number(labs(library.word(value))), value);
  }
  const source = new Uint8Array(new SharedArrayBuffer(8)).fill(4);
  const target = new Uint8Array(8);
  memmove(target, source.subarray(2), library.word(3));
  assert.deepEqual([...target], [4, 4, 4, 0, 0, 0, 0, 0]);
});

test("integers keep their sign and null is the null pointer", () => {
  const { abs, access } = library.open(libcName, {
    abs: { parameters: ["i32"], result: "i32" },
    access: { parameters: ["buffer", "i32"], result: "i32" },
  });
  assert.equal(abs?.(-5), 5);
  assert.equal(access?.(null, 0), -1);
});

test("a buffer at an address is the memory itself", () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(16));
  const view = new Uint8Array(library.bufferAt(addressOf(bytes) + 4, 8));
  bytes[4] = 1;
  view[7] = 2;
  assert.deepEqual([...view], [1, 0, 0, 0, 0, 0, 0, 2]);
  assert.equal(bytes[11], 2);
  assert.throws(() => library.bufferAt(0, 8), RangeError);
});

test("missing libraries and symbols are errors, but not of permission", () => {
  const row = { parameters: [], result: "i32" } as const;
  for (
    const open of [
      () => library.open("libno-such-thing.so", { abs: row }),
      () => library.open(libcName, { no_such_function: row }),
    ]
  ) {
    assert.throws(open, (error) => {
      assert.equal(library.isPermissionError(error), false);
      return error instanceof Error;
    });
  }
});
