import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RowSamples } from "../../../bench/measure.ts";
import { drawPlots } from "../../../bench/plots.ts";
import {
  type Circumstances,
  formatValue,
  jsonReport,
  markdownReport,
} from "../../../bench/report.ts";
import { allRows } from "../../../bench/rows.ts";

const ABOUT: Circumstances = {
  date: "2030-01-02T03:04:05.000Z",
  machine: "2 cores of a kind",
  versions: ["libzmq 1 in C", "purezmq in deno 2"],
  pairs: 2,
  notes: ["10,000 connections: left out"],
};

/** Samples of all rows: the others are twice as much as the first one. */
function samplesOfAll(): RowSamples[] {
  return allRows(false).map((row) => {
    const contestants = row.rival === "npm"
      ? ["npm in node", "npm in deno", "deno", "bun"]
      : ["libzmq", "deno", "bun"];
    const values = Object.fromEntries(row.figures.map(({ name }) => [
      name,
      Object.fromEntries(
        contestants.map((who, index) => [
          who,
          who === "npm in deno" ? [NaN, NaN] : index === 0 ? [8, 10] : [16, 20],
        ]),
      ),
    ]));
    const failures: Record<string, string[]> = row.rival === "npm"
      ? { "npm in deno": ["ended with SIGSEGV", "ended with SIGSEGV"] }
      : {};
    const activity: Record<string, Record<string, number[]>> =
      row.name === "tcp_thr_64"
        ? {
          deno: { "sender waits": [1, 3, 5], "sender stalls": [0.25] },
          bun: { "receiver wake-ups": [1200, 1234.5, 1300] },
        }
        : {};
    return { row, contestants, values, activity, failures, repeats: {} };
  });
}

describe("the report", () => {
  const rows = samplesOfAll();
  const text = markdownReport({ about: ABOUT, rows, startup: {} }, [
    { file: "x.svg", title: "A plot" },
  ]);

  test("has every figure once, with ratios and their spread", () => {
    const lines = text.split("\n").filter((line) => /\(2\.00\.\.2/.test(line));
    const figures = rows.flatMap(({ row }) => row.figures);
    assert.equal(lines.length, figures.length);
    for (const { row } of rows) assert.ok(text.includes(row.title), row.title);
  });

  test("says where and with what it was measured, and what failed", () => {
    for (
      const words of [
        "2030-01-02",
        ABOUT.machine,
        "purezmq in deno 2",
        "- 10,000 connections: left out",
        "npm in deno failed in 2 of 2 runs: ended with SIGSEGV",
        "![A plot](x.svg)",
      ]
    ) assert.ok(text.includes(words), words);
  });

  test("has what the library counted, by end, and a dash for what it did not", () => {
    const cells = (start: string) =>
      text.split("\n").find((line) => line.startsWith(`| ${start}`))
        ?.split("|").slice(2, -1).map((cell) => cell.trim());
    assert.deepEqual(
      cells("tcp, 64 B: sender"),
      ["3.00", "–", "0.25", "–", "–", "–"],
    );
    assert.deepEqual(
      cells("tcp, 64 B: receiver"),
      ["–", "–", "–", "–", "1235", "–"],
    );
    assert.equal(cells("tcp, 64 B: both ends"), undefined);
  });

  test("has all samples as JSON", () => {
    const parsed = JSON.parse(jsonReport({ about: ABOUT, rows, startup: {} }));
    const first = parsed.rows[0];
    assert.equal(first.name, "tcp_thr_16");
    assert.deepEqual(first.values.deno, [16, 20]);
    assert.deepEqual(first.ratios.bun, { median: 2, min: 2, max: 2 });
  });

  test("has four plots, with libzmq and both runtimes in each", () => {
    const plots = drawPlots(rows, ABOUT);
    assert.deepEqual(
      plots.map(({ file }) => file),
      ["throughput.svg", "latency.svg", "scaling.svg", "memory.svg"],
    );
    for (const { file, svg } of plots) {
      for (const name of ["libzmq", "deno", "bun"]) {
        assert.match(svg, new RegExp(`<text[^>]*>${name}`), `${file}: ${name}`);
      }
      assert.doesNotMatch(svg, /NaN/);
    }
  });

  test("has only the plots that it has points for", () => {
    assert.deepEqual(drawPlots([], ABOUT), []);
  });
});

test("figures have units and no more digits than they need", () => {
  const unit = (name: "msg/s" | "us" | "x") =>
    ({
      name: "",
      title: "",
      unit: name,
      better: "lower",
      read: () => 0,
    }) as const;
  assert.equal(formatValue(unit("msg/s"), 2_345_678), "2.35 M/s");
  assert.equal(formatValue(unit("msg/s"), 4_181), "4.2 k/s");
  assert.equal(formatValue(unit("us"), 25.24), "25.2 µs");
  assert.equal(formatValue(unit("x"), 1.434), "1.43 ×");
  assert.equal(formatValue(unit("us"), NaN), "–");
});
