import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { monotonicMs } from "../../../ffi/mod.ts";
import type { LoopHost } from "../../../src/event_loop/loop_host.ts";
import { Ticker } from "../../../src/event_loop/loop_timer.ts";
import { EventLoop, type LoopTimer } from "../../../src/event_loop/mod.ts";
import { TimerQueue } from "../../../src/poller/timer_queue.ts";
import { seededRandom } from "../../support/seed.ts";

/** An interval on a clock that the test turns. */
function intervalOnClock(periodMs: number) {
  const clock = { nowMs: 1000 };
  const now = (): number => clock.nowMs;
  const timers = new TimerQueue(now);
  const loop = {
    tell: <T>(callback: (argument: T) => void, argument: T) =>
      callback(argument),
  } as unknown as LoopHost;
  const log: [number, number][] = [];
  const timer = new Ticker(loop, timers, now, periodMs, (missed) => {
    log.push([clock.nowMs - 1000, missed]);
  });
  return { clock, timers, log, timer };
}

describe("an interval", () => {
  test("is computed from its start", () => {
    const { clock, timers, log } = intervalOnClock(10);
    for (const elapsed of [9.9, 14, 19, 23, 30, 47]) {
      clock.nowMs = 1000 + elapsed;
      timers.execute();
    }
    // Late by up to 7 ms each time, and never later than that.
    assert.deepEqual(log, [[14, 0], [23, 0], [30, 0], [47, 0]]);
    assert.equal(timers.execute(), 3);
  });

  test("leaves out what was missed, and says how much", () => {
    const { clock, timers, log } = intervalOnClock(10);
    clock.nowMs = 1000 + 100_005;
    timers.execute();
    timers.execute();
    assert.deepEqual(log, [[100_005, 9999]]);
    clock.nowMs += 5;
    timers.execute();
    assert.deepEqual(log[1], [100_010, 0]);
  });

  test("can be cancelled by its own callback", () => {
    const { clock, timers, log, timer } = intervalOnClock(10);
    clock.nowMs += 10;
    timers.execute();
    assert.equal(timer.active, true);
    timer.cancel();
    timer.cancel();
    assert.equal(timer.active, false);
    clock.nowMs += 100;
    timers.execute();
    assert.equal(log.length, 1);
    assert.equal(timers.size, 0);
  });
});

describe("the timers of a loop", () => {
  test("go off in order, never early and once", () => {
    using loop = new EventLoop();
    const random = seededRandom("delays");
    const start = monotonicMs();
    let early = 0;
    let left = 2000;
    let last = 0;
    for (let n = left; n > 0; n--) {
      const delayMs = random.fraction() * 60;
      const due = monotonicMs() + delayMs;
      const timer = loop.setTimer(delayMs, (same) => {
        assert.equal(same, timer);
        assert.equal(timer.active, false);
        const now = monotonicMs();
        if (now < due) early++;
        assert.ok(now >= last);
        last = now;
        if (--left === 0) loop.stop();
      });
    }
    assert.equal(loop.load, 2000);
    loop.run();
    assert.equal(early, 0);
    assert.ok(monotonicMs() - start < 5000);
    assert.equal(loop.load, 0);
  });

  test("a hundred thousand cost no more each than a thousand", () => {
    using loop = new EventLoop();
    const timers: LoopTimer[] = [];
    const add = (count: number): number => {
      const start = monotonicMs();
      for (let n = 0; n < count; n++) {
        timers.push(loop.setTimer(60_000 + (n * 7919) % 50_000, () => {}));
      }
      return (monotonicMs() - start) / count;
    };
    add(1000);
    const few = add(1000);
    const many = add(100_000);
    // O(n) would make it a hundred times as much.
    assert.ok(many < few * 20 + 0.01, `${many} ms each, ${few} ms before`);
    assert.equal(loop.load, 102_000);
    loop.runOnce(0);
    const start = monotonicMs();
    for (const timer of timers) timer.cancel();
    assert.ok(monotonicMs() - start < 2000);
    assert.equal(loop.load, 0);
  });

  test("cost a turn nothing while they are pending", () => {
    using loop = new EventLoop();
    for (let n = 0; n < 100_000; n++) loop.setTimer(60_000 + n, () => {});
    const start = monotonicMs();
    for (let n = 0; n < 1000; n++) loop.runOnce(0);
    assert.ok(monotonicMs() - start < 1000);
  });

  test("do not drift", () => {
    using loop = new EventLoop();
    const start = monotonicMs();
    let ticks = 0;
    const timer = loop.setTicker(2.5, (missedTicks) => {
      ticks += 1 + missedTicks;
      const late = monotonicMs() - start - ticks * 2.5;
      assert.ok(late >= 0, "none early");
      if (ticks >= 80) loop.stop();
    });
    loop.run();
    timer.cancel();
    assert.equal(loop.load, 0);
    // The lateness of a wait, about a millisecond, added up would be 32 ticks.
    const behind = (monotonicMs() - start) / 2.5 - ticks;
    assert.ok(behind >= 0 && behind < 10, `${behind} ticks behind`);
  });

  test("of no proper length are refused", () => {
    using loop = new EventLoop();
    for (const delay of [-1, NaN, Infinity, "1"]) {
      assert.throws(
        () => loop.setTimer(delay as number, () => {}),
        /^TypeError: EventLoop.setTimer: /,
      );
      assert.throws(
        () => loop.setTicker(delay as number, () => {}),
        /^TypeError: EventLoop.setTicker: /,
      );
    }
    assert.throws(() => loop.setTicker(0, () => {}), TypeError);
    assert.equal(loop.load, 0);
  });

  test("are not active when their loop is closed", () => {
    const loop = new EventLoop();
    const timers = [loop.setTimer(1, () => {}), loop.setTicker(1, () => {})];
    assert.deepEqual(timers.map(({ active }) => active), [true, true]);
    loop.close();
    assert.deepEqual(timers.map(({ active }) => active), [false, false]);
    for (const timer of timers) timer.cancel();
  });

  test("that are cancelled by another one do not go off", () => {
    using loop = new EventLoop();
    const victim: LoopTimer[] = [];
    let told = 0;
    for (let n = 0; n < 2; n++) {
      victim.push(loop.setTimer(1, () => {
        told++;
        victim[1 - n]?.cancel();
      }));
    }
    loop.setTimer(5, () => loop.stop());
    loop.run();
    assert.equal(told, 1);
  });

  test("go on being right after a long wait", () => {
    using loop = new EventLoop();
    // More than an int of milliseconds: the wait ends early, the timer not.
    const timer = loop.setTimer(2 ** 33, () => assert.fail("early"));
    assert.equal(loop.runOnce(1), 0);
    assert.equal(timer.active, true);
  });
});
