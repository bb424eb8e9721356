import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CellTable,
  FIRST_FIELD,
  KEY_A,
  KEY_B,
} from "../../../src/pattern/cell_table.ts";
import { seededRandom } from "../../support/seed.ts";

const STRIDE = FIRST_FIELD + 1;

test("cells are found by both keys and by nothing else", () => {
  const table = new CellTable(STRIDE, 1);
  const cell = table.allocate();
  table.link(cell, 7, 65);
  assert.equal(table.find(7, 65), cell);
  assert.equal(table.find(7, 66), -1);
  assert.equal(table.find(8, 65), -1);
  table.unlink(cell);
  assert.equal(table.find(7, 65), -1);
});

test("a freed cell comes back empty", () => {
  const table = new CellTable(STRIDE, 1);
  const cell = table.allocate();
  table.data[cell * STRIDE + FIRST_FIELD] = 99;
  table.free(cell);
  assert.equal(table.live, 0);
  assert.equal(table.allocate(), cell);
  assert.equal(table.data[cell * STRIDE + FIRST_FIELD], 0);
});

test("the table agrees with a map under random operations", () => {
  const random = seededRandom("cell_table");
  const table = new CellTable(STRIDE, random.next32());
  let model = new Map<string, number>();
  for (let step = 0; step < 20000; step++) {
    // Grows and shrinks in turns, so that compaction has something to do.
    const growing = Math.floor(step / 2500) % 2 === 0;
    const keyA = random.below(200);
    const keyB = random.below(20);
    const name = `${keyA},${keyB}`;
    const cell = model.get(name);
    if (cell === undefined && random.chance(growing ? 0.9 : 0.05)) {
      const made = table.allocate();
      table.link(made, keyA, keyB);
      model.set(name, made);
    } else if (cell !== undefined && random.chance(growing ? 0.1 : 0.95)) {
      table.unlink(cell);
      table.free(cell);
      model.delete(name);
    }
    if (table.isSparse()) {
      const renumbered = table.compact();
      table.reindex();
      model = new Map(
        [...model].map(([key, old]) => [key, renumbered[old] as number]),
      );
    }
    assert.equal(table.live, model.size);
    assert.equal(table.find(keyA, keyB), model.get(name) ?? -1);
  }
  const seen = new Set<string>();
  table.forEach((cell) => {
    const keyA = table.data[cell * STRIDE + KEY_A];
    const keyB = table.data[cell * STRIDE + KEY_B];
    seen.add(`${keyA},${keyB}`);
  });
  assert.deepEqual(seen, new Set(model.keys()));
});

test("memory is given back", () => {
  const table = new CellTable(STRIDE, 1);
  const empty = table.bytes;
  const cells = Array.from({ length: 10000 }, () => table.allocate());
  assert.ok(table.bytes > 100000);
  for (const cell of cells) table.free(cell);
  assert.ok(table.isSparse());
  table.compact();
  table.reindex();
  assert.equal(table.bytes, empty);
  assert.ok(!table.isSparse());
});
