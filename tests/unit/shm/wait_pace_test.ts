import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WaitPace } from "../../../src/shm/wait_pace.ts";

/** One that was woken so many times in a stream. */
function woken(times: number, inCrowd: boolean, afterMs = 0.02): WaitPace {
  const pace = new WaitPace();
  for (let n = 0; n < times; n += 1) pace.woken(afterMs, inCrowd);
  return pace;
}

describe("sleeping or napping", () => {
  test("one of a crowd naps from the eighth short wait on", () => {
    assert.equal(woken(7, true).isNapping(Infinity), false);
    const pace = woken(8, true);
    const start = performance.now();
    assert.equal(pace.isNapping(Infinity), true);
    pace.nap();
    assert.ok(performance.now() - start >= 0.05, "some time passes");
    assert.equal(pace.isNapping(1), true, "as long as naps bring records");
  });

  test("who is woken alone sleeps", () => {
    assert.equal(woken(100, false).isNapping(Infinity), false);
    const pace = woken(7, true);
    pace.woken(0.02, false);
    pace.woken(0.02, true);
    assert.equal(pace.isNapping(Infinity), false);
  });

  test("a long wait, or a nap in vain, ends it", () => {
    const pace = woken(7, true);
    pace.woken(0.1, true);
    pace.woken(0.02, true);
    assert.equal(pace.isNapping(Infinity), false);
    const other = woken(8, true);
    other.napInVain();
    assert.equal(other.isNapping(Infinity), false);
  });

  test("a wait that ends sooner than a nap does is none", () => {
    assert.equal(woken(8, true).isNapping(0), false);
    assert.equal(woken(8, true).isNapping(0.05), false);
  });
});
