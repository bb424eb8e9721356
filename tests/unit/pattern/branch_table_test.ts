import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BranchTable,
  CHILD,
  HEAD,
  PARENT,
  ROOT_PLACE,
  VALUE,
} from "../../../src/pattern/branch_table.ts";
import { seededRandom } from "../../support/seed.ts";

/** A table, and where each child was said to be. */
class Stage {
  readonly places: Map<number, number> = new Map();
  readonly table: BranchTable;

  constructor(seed: number) {
    this.table = new BranchTable(
      seed,
      (child, place) => void this.places.set(child, place),
    );
  }

  /** Asserts that a branch is where it is looked for and was said to be. */
  expectAt(parent: number, octet: number, child: number): void {
    const place = this.table.find(parent, octet);
    assert.equal(place, this.places.get(child));
    const { data } = this.table;
    assert.equal(data[place + PARENT], parent);
    assert.equal((data[place + HEAD] as number) & 0xff, octet);
    assert.equal(data[place + CHILD], child);
    assert.equal(data[place + VALUE], child * 3);
  }

  insert(parent: number, octet: number, child: number): void {
    const place = this.table.insert(parent, octet, child);
    this.table.data[place + VALUE] = child * 3;
  }

  remove(child: number): void {
    this.table.remove(this.places.get(child) as number);
    this.places.delete(child);
  }
}

test("a branch is found by both keys and by nothing else", () => {
  const stage = new Stage(1);
  stage.insert(0, 65, 7);
  stage.expectAt(0, 65, 7);
  assert.equal(stage.table.find(0, 66), -1);
  assert.equal(stage.table.find(7, 65), -1);
  stage.remove(7);
  assert.equal(stage.table.find(0, 65), -1);
});

for (const seed of [0, 1, 0x7fffffff, -1]) {
  test(`the table agrees with a map under random operations, seed ${seed}`, () => {
    const random = seededRandom(`branch_table ${seed}`);
    const stage = new Stage(seed);
    const model = new Map<number, readonly [number, number]>();
    for (let step = 0; step < 20_000; step++) {
      // Grows and shrinks in turns, so that places wrap and holes are filled.
      const growing = Math.floor(step / 2500) % 2 === 0;
      const parent = random.below(growing ? 300 : 40);
      const octet = random.below(20);
      const child = parent * 20 + octet + 1;
      const known = model.has(child);
      if (!known && random.chance(growing ? 0.9 : 0.05)) {
        stage.insert(parent, octet, child);
        model.set(child, [parent, octet]);
      } else if (known && random.chance(growing ? 0.1 : 0.95)) {
        stage.remove(child);
        model.delete(child);
      }
      if (stage.table.isSparse()) stage.table.rebuild(null);
      assert.equal(stage.table.find(parent, octet) >= 0, model.has(child));
      if (step % 500 > 0) continue;
      for (const [one, [from, by]] of model) stage.expectAt(from, by, one);
      assert.equal(stage.places.size, model.size);
    }
  });
}

test("the root's place stays as it is", () => {
  const stage = new Stage(3);
  stage.table.data[ROOT_PLACE + VALUE] = 42;
  for (let n = 1; n < 1000; n++) stage.insert(n % 7, n % 256, n);
  assert.equal(stage.table.data[ROOT_PLACE + VALUE], 42);
  for (let n = 1; n < 1000; n++) stage.remove(n);
  stage.table.rebuild(null);
  assert.equal(stage.table.data[ROOT_PLACE + VALUE], 42);
});

test("nodes get new numbers, and another table takes the branches over", () => {
  const stage = new Stage(5);
  for (let n = 1; n <= 100; n++) stage.insert(n >> 1, n & 1, n);
  const numbers = Int32Array.from({ length: 101 }, (_, n) => 2 * n);
  stage.places.clear();
  stage.table.rebuild(numbers);
  const other = new Stage(6);
  other.table.restore(stage.table.data, 100);
  for (const { places, table } of [stage, other]) {
    assert.equal(places.size, 100);
    for (let n = 1; n <= 100; n++) {
      const place = table.find(2 * (n >> 1), n & 1);
      assert.equal(places.get(2 * n), place);
      assert.equal(table.data[place + VALUE], n * 3);
    }
  }
});

test("memory is given back", () => {
  const stage = new Stage(1);
  const empty = stage.table.bytes;
  for (let n = 1; n <= 10_000; n++) stage.insert(n, 1, n);
  assert.ok(stage.table.bytes < 10_000 * 32 * 3.1, `${stage.table.bytes}`);
  for (let n = 1; n <= 10_000; n++) stage.remove(n);
  assert.ok(stage.table.isSparse());
  stage.table.rebuild(null);
  assert.equal(stage.table.bytes, empty);
  assert.ok(!stage.table.isSparse());
});
