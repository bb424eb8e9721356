import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatTick, scaleFor } from "../../../bench/plot_scale.ts";

describe("a logarithmic scale", () => {
  test("puts equal ratios at equal distances, from end to end", () => {
    const scale = scaleFor([1, 10_000], "log");
    assert.deepEqual([1, 10, 100, 1e3, 1e4].map(scale.at).map(rounded), [
      0,
      0.25,
      0.5,
      0.75,
      1,
    ]);
  });

  test("begins and ends at a 1, a 2 or a 5 around the values", () => {
    const scale = scaleFor([3, 41], "log");
    assert.equal(rounded(scale.at(2)), 0);
    assert.equal(rounded(scale.at(50)), 1);
    assert.deepEqual(scale.ticks, [2, 5, 10, 20, 50]);
    assert.deepEqual(scale.minor, [3, 4, 6, 7, 8, 9, 30, 40]);
  });

  test("labels whole decades only when there are many", () => {
    const { ticks } = scaleFor([0.001, 1e5], "log");
    assert.deepEqual(ticks, [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5]);
  });

  test("takes a single value, and leaves out what it has no place for", () => {
    const scale = scaleFor([0, -1, NaN, 10], "log");
    assert.equal(rounded(scale.at(10)), 0);
    assert.deepEqual(scale.ticks, [10, 20]);
    assert.ok(Number.isFinite(scaleFor([], "log").at(1)));
  });
});

describe("a linear scale", () => {
  test("begins at zero unless the values are far from it", () => {
    assert.deepEqual(scaleFor([1, 6], "linear").ticks, [0, 1, 2, 3, 4, 5, 6]);
    const far = scaleFor([101, 106], "linear");
    assert.deepEqual(far.ticks, [101, 102, 103, 104, 105, 106]);
    assert.equal(far.at(103.5), 0.5);
  });

  test("steps by 1, 2 or 5 and has no rounding errors in its ticks", () => {
    assert.deepEqual(
      scaleFor([0, 0.9], "linear").ticks,
      [0, 0.2, 0.4, 0.6, 0.8, 1],
    );
    assert.deepEqual(scaleFor([-7, 0], "linear").ticks[0], -8);
  });

  test("takes values that are all the same", () => {
    for (const value of [0, 5, -5]) {
      const at = scaleFor([value], "linear").at(value);
      assert.ok(at >= 0 && at <= 1, `${value} is at ${at}`);
    }
  });
});

function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

test("ticks are written for people", () => {
  const values = [0, 0.05, 1, 10_000, 2_500_000, 1e9, 1e-5];
  assert.deepEqual(values.map(formatTick), [
    "0",
    "0.05",
    "1",
    "10,000",
    "2,500,000",
    "1e+9",
    "1e-5",
  ]);
});
