import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { percentile, summarize } from "../../../bench/latency.ts";

describe("percentiles", () => {
  test("are the nearest rank", () => {
    const sorted = Float64Array.from({ length: 1000 }, (_, n) => n + 1);
    assert.equal(percentile(sorted, 0.5), 500);
    assert.equal(percentile(sorted, 0.99), 990);
    assert.equal(percentile(sorted, 0.999), 999);
    assert.equal(percentile(sorted.subarray(0, 3), 0.5), 2);
  });

  test("of one time are that time", () => {
    const one = Float64Array.of(7);
    assert.deepEqual(summarize(one), { average: 7, p50: 7, p99: 7, p999: 7 });
  });

  test("do not count on the order of the times", () => {
    const { average, p50, p99 } = summarize(Float64Array.of(9, 1, 2, 4));
    assert.deepEqual([average, p50, p99], [4, 2, 9]);
  });
});
