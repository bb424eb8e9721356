import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gettid } from "../../../ffi/mod.ts";
import { PIPE, Pool } from "../../../src/memory/layout.ts";
import {
  borrowerOf,
  borrowWriteSide,
  giveWriteSideBack,
  isWriteSideLent,
  offerWriteSide,
  Reclaim,
  reclaimWriteSide,
  revokeWriteSide,
  takeBorrowerSent,
  WriteSide,
} from "../../../src/memory/write_side.ts";
import { viewMemory } from "../../support/memory_fixture.ts";
import { within } from "../../support/wait.ts";
import { startWorker } from "./fixtures/start_worker.ts";

const FD = 7;
const { ENGINE, LENDABLE, LENT, LENT_AND_WANTED } = WriteSide;
const { BACK, WAIT } = Reclaim;

function stage() {
  const { words, takeRecord } = bound();
  const pipe = takeRecord();
  return { words, pipe, state: () => Atomics.load(words, at(pipe)) };
}

function bound() {
  const { control } = viewMemory();
  return {
    words: control.words,
    takeRecord: () => control.takeRecord(Pool.PIPE),
  };
}

function at(pipe: number): number {
  return pipe + PIPE.WRITE_SIDE;
}

describe("write side: the table of its states", () => {
  test("a new pipe's is the engine's, and nobody else gets it", () => {
    const { words, pipe, state } = stage();
    assert.equal(state(), ENGINE);
    assert.equal(borrowWriteSide(words, pipe, 1), -1);
    assert.equal(reclaimWriteSide(words, pipe), BACK);
    assert.equal(state(), ENGINE);
  });

  test("offered: borrowed by one, or taken back", () => {
    const { words, pipe, state } = stage();
    offerWriteSide(words, pipe, FD);
    assert.equal(state(), LENDABLE);
    assert.ok(!isWriteSideLent(words, pipe, FD));
    assert.equal(borrowWriteSide(words, pipe, 55), FD);
    assert.equal(state(), LENT);
    assert.equal(borrowerOf(words, pipe), 55);
    assert.ok(isWriteSideLent(words, pipe, FD));
    assert.ok(!isWriteSideLent(words, pipe, FD + 1), "not another descriptor");
    assert.equal(giveWriteSideBack(words, pipe, 0), false, "nobody waits");
    assert.equal(state(), LENDABLE);
    assert.equal(reclaimWriteSide(words, pipe), BACK);
    assert.equal(state(), ENGINE);
    assert.equal(borrowWriteSide(words, pipe, 55), -1);
  });

  test("lent: asked for once or more often, told once", () => {
    const { words, pipe, state } = stage();
    offerWriteSide(words, pipe, FD);
    borrowWriteSide(words, pipe, 1);
    for (let n = 0; n < 2; n += 1) {
      assert.equal(reclaimWriteSide(words, pipe), WAIT);
      assert.equal(state(), LENT_AND_WANTED);
      assert.ok(isWriteSideLent(words, pipe, FD));
    }
    assert.equal(giveWriteSideBack(words, pipe, 0), true, "the engine waits");
    assert.equal(state(), ENGINE);
    assert.equal(reclaimWriteSide(words, pipe), BACK);
  });

  test("what the borrower wrote in part is told once, for its descriptor", () => {
    const { words, pipe } = stage();
    for (const mine of [FD, FD + 1]) {
      offerWriteSide(words, pipe, FD);
      borrowWriteSide(words, pipe, 1);
      giveWriteSideBack(words, pipe, 12);
      assert.equal(reclaimWriteSide(words, pipe), BACK);
      const told = takeBorrowerSent(words, pipe, mine);
      assert.equal(told, mine === FD ? 12 : 0);
      assert.equal(takeBorrowerSent(words, pipe, FD), 0);
    }
  });

  test("an offer forgets what a loan before it wrote", () => {
    const { words, pipe } = stage();
    offerWriteSide(words, pipe, FD);
    borrowWriteSide(words, pipe, 1);
    giveWriteSideBack(words, pipe, 12);
    reclaimWriteSide(words, pipe);
    offerWriteSide(words, pipe, FD);
    reclaimWriteSide(words, pipe);
    assert.equal(takeBorrowerSent(words, pipe, FD), 0);
  });

  test("the dead give nothing back: the engine takes it", () => {
    const { words, pipe, state } = stage();
    offerWriteSide(words, pipe, FD);
    borrowWriteSide(words, pipe, 1);
    reclaimWriteSide(words, pipe);
    revokeWriteSide(words, pipe);
    assert.equal(state(), ENGINE);
    assert.equal(takeBorrowerSent(words, pipe, FD), 0);
    assert.ok(!isWriteSideLent(words, pipe, FD));
  });
});

test("two threads: never both have it, and no wish of the engine is lost", async () => {
  const { shared, control } = viewMemory();
  const { words } = control;
  const pipe = control.takeRecord(Pool.PIPE);
  // 0: who has it; 1: how often both had it; 2: the borrower was asked to
  // tell; 3: loans; 4: the engine is through.
  const marks = new Int32Array(new SharedArrayBuffer(20));
  const worker = startWorker("borrow", { shared, pipe, marks });
  const MEETINGS = 300;
  const deadline = performance.now() + 60_000;
  let asked = 0;
  let inPart = 0;
  const tid = gettid();
  try {
    for (let round = 0; asked < MEETINGS || inPart < MEETINGS; round += 1) {
      assert.ok(performance.now() < deadline, `met ${asked}, ${inPart} times`);
      offerWriteSide(words, pipe, FD);
      // Every other time in the midst of a loan, or at any time around one.
      for (let n = 0; n < 1000 && round % 2 === 0; n += 1) {
        if (Atomics.load(marks, 0) !== 0) break;
      }
      if (reclaimWriteSide(words, pipe) === WAIT) {
        asked += 1;
        // Told, and told only then.
        while (Atomics.load(marks, 2) !== asked) {
          assert.ok(performance.now() < deadline, "never told");
        }
        assert.equal(reclaimWriteSide(words, pipe), BACK);
      }
      if (Atomics.exchange(marks, 0, tid) !== 0) Atomics.add(marks, 1, 1);
      if (takeBorrowerSent(words, pipe, FD) > 0) inPart += 1;
      if (Atomics.exchange(marks, 0, 0) !== tid) Atomics.add(marks, 1, 1);
    }
  } finally {
    Atomics.store(marks, 4, 1);
  }
  await within(worker.ended, "the end of the borrower");
  assert.equal(Atomics.load(marks, 1), 0, "both had it at once");
  assert.equal(Atomics.load(marks, 2), asked, "told without being asked");
});
