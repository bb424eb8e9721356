import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  BURST_FIGURES,
  CONNECTION_FIGURES,
  type Figure,
  LATENCY_FIGURES,
  parseLines,
  THROUGHPUT_FIGURES,
} from "../../../bench/figures.ts";

function read(figures: readonly Figure[], stdout: string): number[] {
  const lines = parseLines(stdout);
  return figures.map((figure) => figure.read(lines));
}

describe("what the programs print", () => {
  test("is throughput in messages, not in megabits", () => {
    const stdout = "message size: 64 [B]\nmean throughput: 5000 [msg/s]\n" +
      "mean throughput: 2.560 [Mb/s]\n";
    assert.deepEqual(read(THROUGHPUT_FIGURES, stdout), [5000]);
  });

  test("is latency with its percentiles", () => {
    const stdout = "average latency: 3.5 [us]\nlatency p50: 3 [us]\n" +
      "latency p99: 9 [us]\nlatency p99.9: 50.25 [us]\n";
    assert.deepEqual(read(LATENCY_FIGURES, stdout), [3.5, 3, 9, 50.25]);
  });

  test("is the time of handshakes, and memory by connections", () => {
    const stdout = "end: 1500.5 [ms]\nconnections: 10 [count]\n" +
      "resident before: 100 [KiB]\nresident after: 350 [KiB]\n" +
      "start: 1000.25 [ms]\n";
    assert.deepEqual(read(CONNECTION_FIGURES, stdout), [500.25, 25]);
  });

  test("is what a burst left", () => {
    const stdout = "resident before: 1024 [KiB]\n" +
      "resident peak: 10240 [KiB]\nresident after: 1536 [KiB]\n";
    assert.deepEqual(read(BURST_FIGURES, stdout), [1.5, 1, 10, 1.5]);
  });

  test("is no result without its line", () => {
    assert.throws(
      () => read(THROUGHPUT_FIGURES, "usage: perf\n"),
      /Cannot find "mean throughput \[msg\/s\]"/,
    );
  });
});
