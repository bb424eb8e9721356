import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import {
  closeFd,
  decodeWaitStatus,
  errnoNumber,
  host,
  openProcess,
  POLLIN,
  PollSet,
  processEnd,
  signalNumber,
} from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";
import { within } from "../../support/wait.ts";

const obstacle = host.os === "linux"
  ? null
  : "descriptors of processes are Linux'";

function waitForEnd(fd: number): void {
  const set = new PollSet(1);
  set.set(0, fd, POLLIN);
  assert.equal(set.wait(1, 20_000), 1);
}

/** A child, its descriptor, and how the runtime says that it ended. */
function child(script: string) {
  const running = spawn("/bin/sh", ["-c", script], { stdio: "ignore" });
  const ended = new Promise<[number | null, string | null]>((resolve) => {
    running.once("exit", (code, signal) => resolve([code, signal]));
  });
  const fd = openProcess(running.pid ?? -1);
  assert.ok(fd >= 0);
  return { pid: running.pid ?? -1, fd, ended };
}

for (
  const [script, exitCode, signal] of [
    ["exit 0", 0, null],
    ["exit 200", 200, null],
    ["kill -9 $$", null, "SIGKILL"],
    ["kill -15 $$", null, "SIGTERM"],
  ] as const
) {
  testUnless(obstacle, `how a child ended: ${script}`, async () => {
    const { fd, ended } = child(script);
    waitForEnd(fd);
    const number = signal === null ? null : signalNumber(signal);
    const expected = { exitCode, signal: number };
    assert.deepEqual(processEnd(fd), expected);
    assert.deepEqual(processEnd(fd), expected, "nobody took it");
    const told = await within(ended, "the runtime to tell it too");
    assert.deepEqual(told, [exitCode, signal]);
    // Linux remembers it since 6.15.
    const after = processEnd(fd);
    if (after.exitCode !== null || after.signal !== null) {
      assert.deepEqual(after, expected);
    }
    closeFd(fd);
  });
}

testUnless(
  obstacle,
  "a process that does not exist has no descriptor",
  async () => {
    const { pid, fd, ended } = child("exit 0");
    await within(ended, "the child's end");
    closeFd(fd);
    assert.equal(openProcess(pid), -errnoNumber("ESRCH"));
    assert.equal(openProcess(0), -errnoNumber("EINVAL"));
  },
);

testUnless(obstacle, "a living process is not readable", () => {
  const fd = openProcess(process.pid);
  const set = new PollSet(1);
  set.set(0, fd, POLLIN);
  assert.equal(set.wait(1, 0), 0);
  assert.deepEqual(processEnd(fd), { exitCode: null, signal: null });
  closeFd(fd);
});

test("a wait status says how a process ended", () => {
  assert.deepEqual(decodeWaitStatus(0), { exitCode: 0, signal: null });
  assert.deepEqual(decodeWaitStatus(0xff00), { exitCode: 255, signal: null });
  assert.deepEqual(decodeWaitStatus(9), { exitCode: null, signal: 9 });
  // With a core dump.
  assert.deepEqual(decodeWaitStatus(0x8b), { exitCode: null, signal: 11 });
});
