import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../support/seed.ts";

test("the same seed gives the same numbers, another gives others", () => {
  const [one, same, other] = [7, 7, 8].map((seed) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 100 }, () => random.next32());
  });
  assert.deepEqual(one, same);
  assert.notDeepEqual(one, other);
});

test("numbers stay in their bounds and reach them", () => {
  const random = new SeededRandom(1);
  const counts = [0, 0, 0, 0];
  for (let round = 0; round < 4000; round += 1) {
    const value = random.between(2, 5);
    counts[value - 2] = (counts[value - 2] ?? 0) + 1;
  }
  assert.equal(counts.length, 4);
  for (const count of counts) {
    assert.ok(count > 800 && count < 1200, `${counts}`);
  }
  assert.throws(() => random.below(0), RangeError);
  assert.throws(() => random.pick([]), RangeError);
});
