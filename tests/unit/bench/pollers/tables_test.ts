import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatSpread,
  markdownTable,
} from "../../../../bench/pollers/tables.ts";

test("a table's columns are aligned, figures to the right", () => {
  const table = markdownTable(["name", "1,000"], [["a", "1"], [
    "longer",
    "23",
  ]]);
  assert.equal(
    table,
    [
      "| name   | 1,000 |",
      "| ------ | ----: |",
      "| a      |     1 |",
      "| longer |    23 |",
    ].join("\n"),
  );
});

test("a spread shows what there is", () => {
  const value = { median: 1.25, min: 1, max: 20 };
  assert.equal(formatSpread(value, 2), "1.25 (1.00..20.00)");
  assert.equal(formatSpread(null, 1), "–");
  assert.equal(formatSpread({ ...value, median: NaN }, 1), "–");
});
