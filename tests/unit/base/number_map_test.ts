import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NumberMap } from "../../../src/base/number_map.ts";
import { seededRandom } from "../../support/seed.ts";

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;

function same(map: NumberMap<object>, model: Map<number, object>): void {
  assert.equal(map.size, model.size);
  assert.deepEqual(new Set(map.values()), new Set(model.values()));
  for (const [key, value] of model) assert.equal(map.get(key), value);
}

describe("number map", () => {
  test("without entries", () => {
    const map = new NumberMap();
    assert.equal(map.size, 0);
    assert.equal(map.get(0), undefined);
    assert.equal(map.has(7), false);
    assert.deepEqual(map.values(), []);
    map.delete(0);
    map.clear();
    assert.equal(map.size, 0);
  });

  test("maps without entries share nothing that one of them changes", () => {
    const [one, other] = [new NumberMap(), new NumberMap()];
    one.set(0, one);
    assert.equal(other.has(0), false);
    one.clear();
    assert.equal(one.has(0), false);
    assert.equal(new NumberMap().size, 0);
  });

  test("a second object with a number takes the first one's place", () => {
    const map = new NumberMap<{ n: number }>();
    map.set(5, { n: 1 });
    map.set(5, { n: 2 });
    assert.equal(map.size, 1);
    assert.deepEqual(map.get(5), { n: 2 });
    map.delete(5);
    assert.equal(map.has(5), false);
  });

  test("every 32-bit integer is a number of its own", () => {
    const map = new NumberMap<{ key: number }>();
    const keys = [0, 1, -1, MIN, MAX, MIN + 1, MAX - 1, 65536, -65536];
    for (const key of keys) map.set(key, { key });
    for (const key of keys) assert.equal(map.get(key)?.key, key);
    for (const key of keys) map.delete(key);
    assert.equal(map.size, 0);
  });

  test("what values() gave is not changed by what follows", () => {
    const map = new NumberMap<object>();
    for (let key = 0; key < 20; key += 1) map.set(key, {});
    const values = map.values();
    for (let key = 0; key < 20; key += 1) map.delete(key);
    assert.equal(values.length, 20);
    assert.deepEqual(map.values(), []);
  });

  test("does what a Map does, whatever the numbers", () => {
    const random = seededRandom("number map");
    // Close together, like descriptors; apart, like records; and any.
    const kinds = [
      () => random.below(64),
      () => 4096 + 352 * random.below(3000),
      () => random.next32() | 0,
    ];
    for (const kind of kinds) {
      const map = new NumberMap<object>();
      const model = new Map<number, object>();
      for (let round = 0; round < 20; round += 1) {
        // It grows in one round and shrinks in another.
        const adding = random.fraction();
        for (let step = 0; step < 500; step += 1) {
          const known = [...model.keys()];
          const key = known.length > 0 && random.chance(0.3)
            ? random.pick(known)
            : kind();
          if (random.chance(adding)) {
            const value = {};
            map.set(key, value);
            model.set(key, value);
          } else {
            map.delete(key);
            model.delete(key);
          }
          assert.equal(map.get(key), model.get(key));
          assert.equal(map.has(key), model.has(key));
        }
        same(map, model);
      }
      for (const key of [...model.keys()]) {
        map.delete(key);
        model.delete(key);
      }
      same(map, model);
    }
  });
});
