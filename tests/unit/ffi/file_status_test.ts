import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  canBePolled,
  closeFd,
  errnoNumber,
  type FileStatus,
  fileStatus,
  openLibc,
  openSocketPair,
  Wakeup,
} from "../../../ffi/mod.ts";
import { fstatRows } from "../../../ffi/symbols.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

function statusOf(fd: number): FileStatus {
  const status = fileStatus(fd);
  assert.ok(typeof status !== "number", `fstat: ${status}`);
  return status;
}

test("a socket and a pipe can be polled", () => {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  const pipe = Wakeup.open("pipe");
  const [socket, other] = [...fds].map(statusOf);
  assert.equal(socket?.type, 0xc000);
  assert.equal(statusOf(pipe.readFd).type, 0x1000);
  for (const fd of [...fds, pipe.readFd, pipe.writeFd]) {
    assert.equal(canBePolled(statusOf(fd)), true);
  }
  assert.equal(statusOf(fds[0] as number).identity, socket?.identity);
  assert.notEqual(socket?.identity, other?.identity);
  pipe.close();
  for (const fd of fds) closeFd(fd);
});

test("a file and a directory cannot", () => {
  const directory = mkdtempSync(join(tmpdir(), "ffi-test-"));
  const file = openSync(join(directory, "file"), "w");
  const folder = openSync(directory, "r");
  try {
    assert.equal(statusOf(file).type, 0x8000);
    assert.equal(statusOf(folder).type, 0x4000);
    assert.equal(canBePolled(statusOf(file)), false);
    assert.equal(canBePolled(statusOf(folder)), false);
    assert.notEqual(statusOf(file).identity, statusOf(folder).identity);
  } finally {
    closeSync(file);
    closeSync(folder);
    rmSync(directory, { recursive: true });
  }
});

test("what is not open is told by its errno", () => {
  const pipe = Wakeup.open("pipe");
  pipe.close();
  for (const fd of [pipe.readFd, -1, 1_000_000]) {
    assert.equal(fileStatus(fd), -errnoNumber("EBADF"));
  }
});

test("a signal does not end the call", () => {
  const pipe = Wakeup.open("pipe");
  const { identity } = statusOf(pipe.readFd);
  const call = openLibc().call as unknown as Record<string, unknown>;
  const real = call["fstat"] as (...args: unknown[]) => number;
  let calls = 0;
  call["fstat"] = (...args: unknown[]) => {
    if (++calls === 2) return real(...args);
    openLibc().errno[0] = errnoNumber("EINTR");
    return -1;
  };
  try {
    assert.equal(statusOf(pipe.readFd).identity, identity);
  } finally {
    call["fstat"] = real;
  }
  assert.equal(calls, 2);
  pipe.close();
});

test("fstat is looked for under the names that have today's structure", () => {
  const names = (
    os: "linux" | "darwin" | "freebsd",
    arch: "x86_64" | "aarch64",
  ) => fstatRows(os, arch).map(({ symbol }) => symbol);
  assert.deepEqual(names("linux", "x86_64"), ["fstat", "__fxstat"]);
  assert.deepEqual(names("darwin", "x86_64"), ["fstat$INODE64"]);
  assert.deepEqual(names("darwin", "aarch64"), ["fstat"]);
  assert.deepEqual(names("freebsd", "x86_64"), ["fstat"]);
  // The version of the structure that struct_layout.ts describes.
  assert.equal(fstatRows("linux", "x86_64")[1]?.version, 1);
  assert.equal(fstatRows("linux", "aarch64")[1]?.version, 0);
});

test("leaves nothing behind", leaks.after);
