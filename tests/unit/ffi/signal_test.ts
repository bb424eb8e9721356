import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import {
  host,
  ignoreDefaultSignal,
  listenToSignal,
  restoreDefaultSignal,
  signalNumber,
} from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";
import { until } from "../../support/wait.ts";

/** Whether this process ignores a signal, as the kernel says. */
function isIgnored(number: number): boolean {
  const status = readFileSync("/proc/self/status", "utf8");
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${mask}`) >> BigInt(number - 1) & 1n) === 1n;
}

test("a listener is called for each signal, until it is taken back", async () => {
  let told = 0;
  let other = 0;
  const count = () => told++;
  const end = listenToSignal("SIGUSR2", count);
  const endSecond = listenToSignal("SIGUSR2", count);
  const endOther = listenToSignal("SIGUSR2", () => other++);
  process.kill(process.pid, "SIGUSR2");
  await until(() => told === 2 && other === 1, "all three to be called");
  end();
  end();
  process.kill(process.pid, "SIGUSR2");
  await until(() => other === 2, "the other one to be called");
  assert.equal(told, 3);
  endSecond();
  endOther();
});

const noProc = host.os === "linux" ? null : "there is no /proc to look into";

testUnless(noProc, "only a default signal is ignored, and restored", () => {
  const number = signalNumber("SIGPROF");
  assert.equal(isIgnored(number), false);
  assert.equal(ignoreDefaultSignal(number), true);
  assert.equal(isIgnored(number), true);
  assert.equal(ignoreDefaultSignal(number), false, "it is ignored already");
  restoreDefaultSignal(number);
  assert.equal(isIgnored(number), false);
});

testUnless(noProc, "a signal that somebody handles stays as it is", () => {
  const number = signalNumber("SIGUSR2");
  const end = listenToSignal("SIGUSR2", () => {});
  assert.equal(ignoreDefaultSignal(number), false);
  assert.equal(isIgnored(number), false);
  restoreDefaultSignal(number);
  const status = readFileSync("/proc/self/status", "utf8");
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  assert.equal(BigInt(`0x${caught}`) >> BigInt(number - 1) & 1n, 1n);
  end();
});
