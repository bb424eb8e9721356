import assert from "node:assert/strict";
import { test } from "node:test";
import { libraryNames, symbolTable } from "../../../ffi/symbols.ts";

test("each system has its own errno, accept and wake-up calls", () => {
  const linux = symbolTable("linux", "x86_64");
  const darwin = symbolTable("darwin", "aarch64");
  const freebsd = symbolTable("freebsd", "x86_64");
  assert.ok("__errno_location" in linux && "epoll_wait" in linux);
  assert.ok("__error" in darwin && "accept" in darwin && "pipe" in darwin);
  assert.ok("__error" in freebsd && "accept4" in freebsd);
  assert.ok(!("epoll_wait" in darwin) && !("epoll_wait" in freebsd));
  assert.ok(!("accept4" in darwin) && !("pipe2" in darwin));
  for (const bsd of [darwin, freebsd]) {
    assert.ok("kqueue" in bsd && "kevent" in bsd);
  }
  // There a library may have it, but never libc.
  assert.ok(!("kqueue" in linux));
});

test("Apple's arm64 gets fcntl's variadic argument on the stack", () => {
  const arm = symbolTable("darwin", "aarch64")["fcntl"];
  const intel = symbolTable("darwin", "x86_64")["fcntl"];
  // Eight arguments fill the integer registers; the ninth is the value.
  assert.equal(arm?.parameters.length, 9);
  assert.equal(intel?.parameters.length, 3);
});

test("glibc is tried before musl", () => {
  assert.deepEqual(libraryNames("linux", "aarch64"), [
    "libc.so.6",
    "libc.musl-aarch64.so.1",
  ]);
  assert.equal(libraryNames("freebsd", "x86_64")[0], "libc.so.7");
  assert.match(libraryNames("darwin", "aarch64")[0] ?? "", /^libSystem/);
});
