import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Row } from "../../../../bench/shm/contenders.ts";
import { type Reading, readingOf } from "../../../../bench/shm/measure.ts";
import { type Results, verdictLine } from "../../../../bench/shm/report.ts";

function rowOf(kind: Row["kind"]): Row {
  return { name: kind, kind, size: 64, consumers: 2, locks: false };
}

describe("a run of the bench of the shared-memory queue", () => {
  test("has the rate of the slowest consumer", () => {
    const reading = readingOf(rowOf("rate"), "sent: 9 [records]", [
      "received: 9 [records]\nrate: 200 [records/s]",
      "received: 9 [records]\nrate: 100 [records/s]",
    ]);
    assert.deepEqual(reading, { value: 100, p99: 0 });
  });

  test("has the median of the consumers' medians, and the worst end", () => {
    const consumer = (p50: number, p99: number): string =>
      `received: 9 [records]\nlatency p50: ${p50} [us]\n` +
      `latency p99: ${p99} [us]`;
    const reading = readingOf(rowOf("latency"), "sent: 9 [records]", [
      consumer(10, 70),
      consumer(30, 40),
      consumer(20, 50),
    ]);
    assert.deepEqual(reading, { value: 20, p99: 70 });
  });

  test("fails when a record is missing, or nothing was measured", () => {
    const run = (received: number, rate: string): Reading =>
      readingOf(rowOf("rate"), "sent: 9 [records]", [
        `received: ${received} [records]\nrate: ${rate} [records/s]`,
      ]);
    assert.throws(() => run(8, "100"), /8 of 9 records/);
    assert.throws(() => run(9, "NaN"), /too short/);
    assert.throws(() => readingOf(rowOf("rate"), "", [""]), /records arrived/);
  });
});

test("the verdict names the worst column of each bound", () => {
  const of = (value: number): Reading[] => [{ value, p99: 0 }];
  const results = (rate: number, latency: number): Results => ({
    machine: "",
    date: "",
    versions: [],
    pairs: 1,
    ms: 1,
    idle: {},
    notes: [],
    rows: {
      rate: {
        row: rowOf("rate"),
        readings: {
          libzmq: of(10),
          "C, in place": of(100),
          "deno, in place": of(90),
          "bun, in place": of(rate),
        },
      },
      latency: {
        row: rowOf("latency"),
        readings: { libzmq: of(100), "deno, in place": of(latency) },
      },
    },
  });
  assert.match(verdictLine(results(60, 40)), /^shm: PASS .*6\.00 ≥ 5 \(bun/);
  assert.match(verdictLine(results(49, 40)), /^shm: MISSED .*4\.90 < 5 \(bun/);
  assert.match(verdictLine(results(60, 51)), /^shm: MISSED .*0\.51 > 0\.5/);
  assert.match(verdictLine({ ...results(60, 40), rows: {} }), /INCOMPLETE/);
});
