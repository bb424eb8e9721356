import assert from "node:assert/strict";
import { test } from "node:test";
import { monotonicMs } from "../../../ffi/mod.ts";
import { spawnFixture } from "./spawn_fixture.ts";

test("the clock never goes back and has a fine resolution", () => {
  const first = monotonicMs();
  let last = first;
  let stepMin = Infinity;
  for (let i = 0; i < 10_000; i++) {
    const now = monotonicMs();
    assert.ok(now >= last);
    if (now > last) stepMin = Math.min(stepMin, now - last);
    last = now;
  }
  assert.ok(last > first);
  assert.ok(stepMin < 0.1, `smallest step is ${stepMin} ms`);
});

test("the clock runs at the speed of time", () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const start = monotonicMs();
  Atomics.wait(cell, 0, 0, 50);
  const elapsed = monotonicMs() - start;
  assert.ok(elapsed >= 49 && elapsed < 5000, `${elapsed} ms`);
});

test("all threads share the origin of the clock", () => {
  const before = monotonicMs();
  const report = spawnFixture("clock").waitForReport();
  const after = monotonicMs();
  const inWorker = report.float;
  assert.ok(before <= inWorker && inWorker <= after);
});
