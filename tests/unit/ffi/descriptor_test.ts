import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { constants } from "../../../ffi/constants.ts";
import { setCloexecNonblocking } from "../../../ffi/descriptor.ts";
import type { CFunction } from "../../../ffi/library.ts";
import {
  acceptSocket,
  bindSocket,
  closeFd,
  connectSocket,
  epollCreate,
  errnoNumber,
  host,
  listenSocket,
  localAddress,
  openLibc,
  openSocket,
  openSocketPair,
  PollSet,
  sockaddrIn,
  Wakeup,
} from "../../../ffi/mod.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const EBADF = errnoNumber("EBADF");

/** The flags of an open descriptor, from the kernel. */
function flagsOf(fd: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  return parseInt(/^flags:\s*([0-7]+)/m.exec(text)?.[1] ?? "", 8);
}

function assertFlags(fd: number, what: string, nonblocking = true): void {
  assert.ok(fd >= 0, `${what}: ${fd}`);
  const flags = flagsOf(fd);
  assert.ok((flags & constants.O_CLOEXEC) !== 0, `${what} lacks O_CLOEXEC`);
  const isNonblocking = (flags & constants.O_NONBLOCK) !== 0;
  assert.equal(isNonblocking, nonblocking, `${what} O_NONBLOCK`);
}

const onlyLinux = { skip: host.os !== "linux" && "needs /proc" };

test("a closed descriptor is gone", () => {
  const fd = openSocket(constants.AF_INET);
  assert.equal(closeFd(fd), 0);
  assert.equal(closeFd(fd), -EBADF);
  assert.equal(closeFd(-1), -EBADF);
});

test("every descriptor is close-on-exec and non-blocking", onlyLinux, () => {
  const listener = openSocket(constants.AF_INET);
  const anyPort = sockaddrIn("127.0.0.1", 0) as Uint8Array;
  assert.equal(bindSocket(listener, anyPort), 0);
  assert.equal(listenSocket(listener, 1), 0);
  const client = openSocket(constants.AF_INET);
  connectSocket(client, localAddress(listener) as Uint8Array);
  const ready = new PollSet(1);
  ready.set(0, listener, constants.POLLIN);
  assert.equal(ready.wait(1, 30_000), 1);
  const accepted = acceptSocket(listener);
  const pair = new Int32Array(2);
  assert.equal(openSocketPair(pair), 0);
  const eventfd = Wakeup.open("eventfd");
  const pipe = Wakeup.open("pipe");
  const epfd = epollCreate();
  const fds = [listener, client, accepted, ...pair];
  for (const fd of fds) assertFlags(fd, "socket");
  assertFlags(eventfd.readFd, "eventfd");
  assertFlags(pipe.readFd, "pipe's read end");
  assertFlags(pipe.writeFd, "pipe's write end");
  // Waiting for events on an epoll descriptor has a timeout of its own.
  assertFlags(epfd, "epoll", false);
  for (const fd of [...fds, epfd]) assert.equal(closeFd(fd), 0);
  eventfd.close();
  pipe.close();
});

test("flags are set afterwards where creation cannot", onlyLinux, () => {
  // fcntl has no row on Linux, where nothing but this test would call it.
  const libc = openLibc();
  const fcntl = libc.library.open("libc.so.6", {
    fcntl: { parameters: ["i32", "i32", "word"], result: "i32" },
  })["fcntl"] as CFunction;
  const fd = openSocket(constants.AF_INET);
  const zero = libc.library.word(0);
  assert.equal(fcntl(fd, constants.F_SETFD, zero), 0);
  assert.equal(fcntl(fd, constants.F_SETFL, zero), 0);
  assert.equal(flagsOf(fd) & constants.O_NONBLOCK, 0);
  assert.equal(setCloexecNonblocking(fd, fcntl), 0);
  assertFlags(fd, "socket");
  closeFd(fd);
  assert.equal(setCloexecNonblocking(fd, fcntl), -EBADF);
});

test("leaves nothing behind", leaks.after);
