import assert from "node:assert/strict";
import { test } from "node:test";
import { INTERRUPTED } from "../../../ffi/libc.ts";
import { monotonicMs } from "../../../ffi/mod.ts";
import { repeatWait, toWaitTime } from "../../../ffi/wait_time.ts";

test("timeouts become whole milliseconds, never fewer", () => {
  assert.equal(toWaitTime(0), 0);
  assert.equal(toWaitTime(-0), 0);
  assert.equal(toWaitTime(0.001), 1);
  assert.equal(toWaitTime(10), 10);
  assert.equal(toWaitTime(10.5), 11);
  assert.equal(toWaitTime(1e12), 0x7fffffff);
});

test("negative and infinite timeouts mean for ever", () => {
  assert.equal(toWaitTime(-1), -1);
  assert.equal(toWaitTime(-0.5), -1);
  assert.equal(toWaitTime(Infinity), -1);
  assert.equal(toWaitTime(NaN), -1);
});

test("a repeated wait gets only the time that is left", () => {
  const times: number[] = [];
  const start = monotonicMs() - 400;
  const result = repeatWait(1000, start, (time) => {
    times.push(time);
    return times.length < 3 ? INTERRUPTED : 5;
  });
  assert.equal(result, 5);
  assert.equal(times.length, 3);
  for (const time of times) assert.ok(time > 0 && time <= 600, `${time}`);
});

test("a wait whose time is over looks once more without waiting", () => {
  const result = repeatWait(10, monotonicMs() - 50, (time) => time);
  assert.equal(result, 0);
});

test("a wait for ever is repeated for ever", () => {
  const times: number[] = [];
  repeatWait(-1, 0, (time) => times.push(time) < 2 ? INTERRUPTED : 1);
  assert.deepEqual(times, [-1, -1]);
});
