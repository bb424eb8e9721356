import assert from "node:assert/strict";
import { test } from "node:test";
import { gettid, threadAlive } from "../../../ffi/mod.ts";
import { acquire, release } from "../../../src/memory/lock.ts";
import { until, within } from "../../support/wait.ts";
import { startWorker } from "./fixtures/start_worker.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const LOCK = 3;

function newWords(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(64));
}

const tid = gettid();

test("a free lock is taken and let go", () => {
  const words = newWords();
  assert.equal(acquire(words, LOCK, tid, threadAlive), true);
  assert.equal(words[LOCK], tid);
  release(words, LOCK);
  assert.equal(words[LOCK], 0);
  assert.equal(acquire(words, LOCK, tid, threadAlive), true);
});

test("no two threads are in at once", async () => {
  const words = newWords();
  const rounds = 20_000;
  const workers = [0, 1, 2].map(() =>
    startWorker("lock", { words, rounds, lock: LOCK })
  );
  await within(
    Promise.all(workers.map((worker) => worker.ended)),
    "all rounds of all workers",
    60_000,
  );
  // Word 0 is counted up without atomics, under the lock.
  assert.equal(words[0], 3 * rounds);
  assert.equal(words[1], 0, "times that somebody else was inside");
  assert.equal(words[LOCK], 0);
});

test("a holder that died inside is seen", async () => {
  const words = newWords();
  const worker = startWorker("die-in-lock", { words, lock: LOCK });
  await within(worker.ended, "the end of the holder");
  const holder = words[LOCK] as number;
  assert.notEqual(holder, 0, "it died with the lock");
  await until(() => !threadAlive(holder), "the death of the thread");
  assert.equal(acquire(words, LOCK, tid, threadAlive), false);
  assert.equal(acquire(words, LOCK, tid, threadAlive), false, "and again");
});

test("a living holder is waited for, however long it takes", () => {
  const words = newWords();
  words[LOCK] = 77;
  let asked = 0;
  const result = acquire(words, LOCK, tid, (holder) => {
    assert.equal(holder, 77);
    if (++asked === 2) release(words, LOCK);
    return true;
  });
  assert.equal(result, true);
  assert.equal(asked, 2);
});

test("who let go and ended meanwhile is not taken for dead inside", () => {
  const words = newWords();
  words[LOCK] = 77;
  // Between the end of the wait and the question whether it lives.
  const result = acquire(words, LOCK, tid, () => {
    release(words, LOCK);
    return false;
  });
  assert.equal(result, true);
});

test("a contended lock wakes its sleepers when it is let go", async () => {
  const words = newWords();
  assert.equal(acquire(words, LOCK, tid, threadAlive), true);
  const worker = startWorker("lock", { words, rounds: 1, lock: LOCK });
  await until(() => (words[LOCK] as number) !== tid, "the mark of a sleeper");
  release(words, LOCK);
  await within(worker.ended, "the sleeper's turn");
  assert.equal(words[0], 1);
});

test("leaves nothing behind", leaks.after);
