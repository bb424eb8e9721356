import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allRows, formatSize } from "../../../bench/rows.ts";

describe("the rows", () => {
  test("have names of their own", () => {
    const names = allRows(false).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });

  test("are the same ones at a tiny size, and never larger", () => {
    const full = allRows(false);
    const tiny = allRows(true);
    assert.deepEqual(
      tiny.map(({ name, title }) => [name, title]),
      full.map(({ name, title }) => [name, title]),
    );
    for (const [index, row] of tiny.entries()) {
      const large = (full[index]?.args ?? []).map(Number);
      for (const [place, word] of row.args.entries()) {
        const most = large[place];
        if (most === undefined || Number.isNaN(most)) continue;
        assert.ok(Number(word) <= most, `${row.name}: ${word} > ${most}`);
      }
    }
  });

  test("have figures with names of their own, a first one among them", () => {
    for (const { name, figures } of allRows(false)) {
      assert.ok(figures.length > 0, name);
      const names = new Set(figures.map((figure) => figure.name));
      assert.equal(names.size, figures.length, name);
    }
  });
});

test("sizes are written for people", () => {
  assert.deepEqual([16, 1024, 65_536, 1 << 20].map(formatSize), [
    "16 B",
    "1 KiB",
    "64 KiB",
    "1 MiB",
  ]);
});
