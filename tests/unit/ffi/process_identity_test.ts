import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { host, processIdentity } from "../../../ffi/mod.ts";
import { parseProcessStat } from "../../../ffi/process_identity.ts";
import { testUnless } from "../../support/skip.ts";
import { until } from "../../support/wait.ts";

const noProc = host.os === "linux" ? null : "there is no /proc to look into";

function line(command: string, state: string): string {
  const fields = Array.from({ length: 30 }, (_, n) => `${n + 4}`);
  fields[18] = "77001"; // field 22
  return `12 (${command}) ${state} ${fields.join(" ")}\n`;
}

test("a process's line is taken apart, whatever its command is called", () => {
  for (const command of ["deno", "a b", "x) R 1 (y", "))"]) {
    assert.deepEqual(parseProcessStat(line(command, "S")), {
      startTicks: 77001,
      state: "alive",
    });
  }
  const states = ["R", "D", "T", "t", "Z", "X", "x", "I"].map((state) =>
    parseProcessStat(line("c", state))?.state
  );
  assert.deepEqual(states, [
    "alive",
    "alive",
    "stopped",
    "stopped",
    "dead",
    "dead",
    "dead",
    "alive",
  ]);
});

test("what is no line of a process is none", () => {
  for (const text of ["", "12", "12 (x)", "12 (x) S 1 2 3", "12 x S 1"]) {
    assert.equal(parseProcessStat(text), null, text);
  }
});

testUnless(noProc, "this process lives, and began when it began", () => {
  const first = processIdentity(process.pid);
  assert.equal(first?.state, "alive");
  assert.deepEqual(processIdentity(process.pid), first);
  assert.equal(processIdentity(2 ** 22 + 1), null);
});

testUnless(noProc, "a child is stopped, goes on, and is gone", async () => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const pid = child.pid as number;
  const state = () => processIdentity(pid)?.state ?? "reaped";
  try {
    await until(() => state() === "alive", "the child to run");
    process.kill(pid, "SIGSTOP");
    await until(() => state() === "stopped", "the child to stop");
    process.kill(pid, "SIGCONT");
    await until(() => state() === "alive", "the child to go on");
  } finally {
    process.kill(pid, "SIGKILL");
  }
  await until(() => ["dead", "reaped"].includes(state()), "the child's end");
});
