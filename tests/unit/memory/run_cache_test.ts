import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunCache } from "../../../src/memory/run_cache.ts";

describe("runs of one thread", () => {
  test("the last one of a length comes first", () => {
    const cache = new RunCache();
    for (const [ref, pages] of [[1, 5], [2, 3], [3, 5], [4, 3]] as const) {
      assert.equal(cache.push(ref, pages), true);
    }
    assert.equal(cache.take(4), 0);
    assert.equal(cache.take(5), 3);
    assert.equal(cache.take(5), 1);
    assert.equal(cache.take(5), 0);
    assert.equal(cache.take(3), 4);
    assert.equal(cache.take(3), 2);
    assert.equal(cache.isEmpty, true);
  });

  test("there is room for 16, and for 4 MiB", () => {
    const cache = new RunCache();
    for (let ref = 1; ref <= 16; ref += 1) {
      assert.equal(cache.push(ref, 2), true);
    }
    assert.equal(cache.push(17, 2), false);
    assert.equal(cache.take(2), 16);
    // 226 of 256 pages are left.
    assert.equal(cache.push(18, 227), false);
    assert.equal(cache.push(18, 226), true);
    assert.equal(cache.take(226), 18);
    assert.equal(new RunCache().push(1, 257), false);
  });

  test("they are handed over in the order they came", () => {
    const cache = new RunCache();
    cache.push(1, 5);
    cache.push(2, 3);
    const given: number[][] = [];
    cache.drain((ref, pages) => given.push([ref, pages]));
    assert.deepEqual(given, [[1, 5], [2, 3]]);
    assert.equal(cache.isEmpty, true);
    assert.equal(cache.push(3, 256), true);
  });
});
