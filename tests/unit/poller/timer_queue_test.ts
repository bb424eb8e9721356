import assert from "node:assert/strict";
import { test } from "node:test";
import { type Timer, TimerQueue } from "../../../src/poller/timer_queue.ts";
import { seededRandom } from "../../support/seed.ts";

/** A queue on a clock that the test turns. */
function onClock() {
  const clock = { nowMs: 1000 };
  return { clock, timers: new TimerQueue(() => clock.nowMs) };
}

test("timers go off in the order of their times, ties as they came", () => {
  const { clock, timers } = onClock();
  const log: string[] = [];
  const add = (ms: number, name: string) =>
    timers.add(ms, () => void log.push(name));
  add(30, "c");
  add(10, "a1");
  add(20, "b");
  add(10, "a2");
  assert.equal(timers.size, 4);
  assert.equal(timers.execute(), 10);
  assert.deepEqual(log, []);
  clock.nowMs += 25;
  assert.equal(timers.execute(), 5);
  assert.deepEqual(log, ["a1", "a2", "b"]);
  clock.nowMs += 5;
  assert.equal(timers.execute(), -1);
  assert.deepEqual(log, ["a1", "a2", "b", "c"]);
  assert.equal(timers.size, 0);
});

test("no timer goes off early, not by a part of a millisecond", () => {
  const { clock, timers } = onClock();
  let fired = false;
  timers.add(10, () => fired = true);
  clock.nowMs += 9.99;
  assert.equal(timers.execute(), 1, "rounded up");
  assert.equal(fired, false);
  clock.nowMs += 0.02;
  timers.execute();
  assert.equal(fired, true);
});

test("a cancelled timer does not go off; cancelling twice is nothing", () => {
  const { clock, timers } = onClock();
  const log: number[] = [];
  const all = [1, 2, 3, 4, 5].map((n) => timers.add(n, () => void log.push(n)));
  timers.cancel(all[0] as Timer);
  timers.cancel(all[0] as Timer);
  timers.cancel(all[3] as Timer);
  clock.nowMs += 2;
  timers.execute();
  timers.cancel(all[1] as Timer);
  clock.nowMs += 3;
  timers.execute();
  assert.deepEqual(log, [2, 3, 5]);
});

test("timers added inside a callback wait for the next turn", () => {
  const { clock, timers } = onClock();
  let count = 0;
  const again = () => {
    count += 1;
    timers.add(0, again);
  };
  timers.add(0, again);
  for (let turn = 1; turn <= 5; turn += 1) {
    assert.equal(timers.execute(), 0);
    assert.equal(count, turn);
    clock.nowMs += 1;
  }
});

test("a callback may cancel one that is due in the same turn", () => {
  const { clock, timers } = onClock();
  let fired = false;
  timers.add(1, () => timers.cancel(second));
  const second = timers.add(2, () => fired = true);
  clock.nowMs += 5;
  assert.equal(timers.execute(), -1);
  assert.equal(fired, false);
});

test("the time that callbacks take is not added to the next timer's", () => {
  const { clock, timers } = onClock();
  timers.add(10, () => clock.nowMs += 40);
  timers.add(60, () => {});
  clock.nowMs += 10;
  assert.equal(timers.execute(), 10);
});

test("a callback that throws loses no other timer", () => {
  const { clock, timers } = onClock();
  let fired = 0;
  timers.add(1, () => {
    throw new Error("first");
  });
  timers.add(2, () => fired++);
  clock.nowMs += 5;
  assert.throws(() => timers.execute(), /first/);
  timers.execute();
  assert.equal(fired, 1);
});

test("100,000 timers, half of them cancelled", () => {
  const random = seededRandom("timers");
  const { clock, timers } = onClock();
  const start = clock.nowMs;
  const expected: number[] = [];
  const fired: number[] = [];
  const handles: Timer[] = [];
  const delays: number[] = [];
  for (let n = 0; n < 100_000; n += 1) {
    const delay = random.below(10_000);
    delays.push(delay);
    handles.push(timers.add(delay, () => {
      assert.ok(clock.nowMs >= start + delay);
      fired.push(delay);
    }));
  }
  handles.forEach((handle, index) => {
    if (random.chance(0.5)) timers.cancel(handle);
    else expected.push(delays[index] as number);
  });
  assert.equal(timers.size, expected.length);
  for (let wait = timers.execute(); wait >= 0; wait = timers.execute()) {
    assert.ok(wait > 0);
    clock.nowMs += wait;
  }
  expected.sort((a, b) => a - b);
  assert.deepEqual(fired, expected);
});

test("a timer for a time of the clock goes off at that time", () => {
  const { clock, timers } = onClock();
  const log: string[] = [];
  timers.addAt(1010, () => void log.push("later"));
  timers.addAt(990, () => void log.push("past"));
  assert.equal(timers.execute(), 10);
  assert.deepEqual(log, ["past"]);
  clock.nowMs = 1010;
  assert.equal(timers.execute(), -1);
  assert.deepEqual(log, ["past", "later"]);
});

test("timers that were cleared do not go off, and cancelling is nothing", () => {
  const { clock, timers } = onClock();
  const fail = (): void => assert.fail("cleared");
  const all = [timers.add(1, fail), timers.add(2, fail)];
  timers.add(0, () => timers.clear());
  clock.nowMs += 5;
  assert.equal(timers.execute(), -1);
  assert.equal(timers.size, 0);
  for (const timer of all) timers.cancel(timer);
  let told = 0;
  timers.add(1, () => told++);
  clock.nowMs += 1;
  timers.execute();
  assert.equal(told, 1);
});
