import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE_BYTES } from "../../../src/memory/page_map.ts";
import {
  allocationSize,
  CHUNK_BYTES,
  CLASS_BYTES,
  classOf,
  GRANULE_BYTES,
  PAGE_CLASS,
} from "../../../src/memory/size_class.ts";

test("every size gets the smallest class that holds it, or a run", () => {
  for (let bytes = 0; bytes <= 3 * CHUNK_BYTES; bytes += 1) {
    const size = allocationSize(bytes);
    assert.ok(size >= bytes && size % GRANULE_BYTES === 0);
    const sizeClass = classOf(size);
    if (sizeClass >= 0) assert.equal(CLASS_BYTES[sizeClass], size);
    else assert.ok(size % PAGE_BYTES === 0 && size - bytes < PAGE_BYTES);
    if (bytes > GRANULE_BYTES && bytes <= PAGE_BYTES) {
      assert.ok(size < 2 * bytes, `${bytes} in ${size}`);
    }
  }
});

test("sizes are what they are in every class", () => {
  CLASS_BYTES.forEach((bytes, sizeClass) => {
    assert.equal(allocationSize(bytes), bytes);
    assert.equal(classOf(bytes), sizeClass);
    assert.equal(classOf(allocationSize(bytes - 1)), sizeClass);
  });
  assert.equal(CLASS_BYTES[PAGE_CLASS], PAGE_BYTES);
  assert.equal(allocationSize(2 ** 31 - 1), 2 ** 31);
});
