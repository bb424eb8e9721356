import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  closeFd,
  errnoNumber,
  host,
  InterruptTimer,
  monotonicMs,
  openSharedFile,
  tryRecordLock,
  waitForRecordLock,
} from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";
import { runScript } from "./run_script.ts";

const noLinux = host.os === "linux" ? null : "record locks of open files only";
const RANGE = { startHigh: 0, startLow: 7, length: 1 };

interface Choice {
  readonly chosen: number;
  readonly again: number;
  readonly kept: boolean;
}

function choose(taken: readonly number[]): Choice {
  const result = runScript("interrupt_signals.ts", taken.map(String));
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(result.stdout) as Choice;
}

testUnless(noLinux, "a signal that the program handles is left alone", () => {
  assert.deepEqual(choose([]), { chosen: 62, again: 62, kept: true });
  assert.deepEqual(choose([62, 61]), { chosen: 60, again: 60, kept: true });
});

testUnless(noLinux, "EBUSY when the program handles all signals", () => {
  const busy = -errnoNumber("EBUSY");
  const all = [62, 61, 60, 59];
  assert.deepEqual(choose(all), { chosen: busy, again: busy, kept: true });
});

testUnless(noLinux, "a wait for a held lock is interrupted in time", () => {
  const directory = mkdtempSync(join(tmpdir(), "purezmq-interrupt-"));
  const path = join(directory, "locks");
  const [holder, waiter] = [1, 2].map(() => openSharedFile(path, "any")) as [
    number,
    number,
  ];
  const timer = InterruptTimer.create();
  assert.ok(typeof timer !== "number", String(timer));
  try {
    assert.equal(tryRecordLock(holder, "exclusive", RANGE), 0);
    // Set anew for each wait.
    for (const delayMs of [0, 30, 60]) {
      const start = monotonicMs();
      timer.interruptAfter(delayMs);
      const result = waitForRecordLock(waiter, "shared", RANGE);
      assert.equal(result, -errnoNumber("EINTR"));
      assert.ok(monotonicMs() - start >= delayMs);
    }
    // The first signal comes before the call, and is not the last one.
    timer.interruptAfter(1);
    const before = monotonicMs();
    while (monotonicMs() - before < 5);
    const result = waitForRecordLock(waiter, "shared", RANGE);
    assert.equal(result, -errnoNumber("EINTR"));
  } finally {
    timer.close();
    closeFd(holder);
    closeFd(waiter);
    rmSync(directory, { recursive: true });
  }
});
