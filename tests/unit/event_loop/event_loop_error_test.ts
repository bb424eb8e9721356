import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { errnoNumber, host } from "../../../ffi/mod.ts";
import { ZmqError } from "../../../src/base/errors.ts";
import {
  EventLoopError,
  POLLER_REASONS,
  refused,
} from "../../../src/event_loop/event_loop_error.ts";
import { EventLoop } from "../../../src/event_loop/mod.ts";
import { testUnless } from "../../support/skip.ts";

test("an error says which call was refused, about what, and why", () => {
  const errno = errnoNumber("ENOENT");
  const error = refused("EventLoop.onFileChange", { path: "/a b" }, -errno);
  assert.equal(
    error.message,
    'EventLoop.onFileChange: "/a b" does not exist (ENOENT)',
  );
  assert.equal(error.code, "ENOENT");
  assert.equal(error.errno, errno);
  assert.equal(error.call, "EventLoop.onFileChange");
  assert.equal(error.path, "/a b");
  assert.equal(error.name, "EventLoopError");
  assert.deepEqual(
    Object.keys(error).filter((key) => ["fd", "pid", "signal"].includes(key)),
    [],
  );
});

test("each subject is named", () => {
  const errno = -errnoNumber("EIO");
  for (
    const [subject, text] of [
      [{ fd: 7 }, "descriptor 7"],
      [{ pid: 9 }, "process 9"],
      [{ signal: "SIGHUP" }, "SIGHUP"],
      [{ path: "" }, '""'],
      [{}, "was refused"],
    ] as const
  ) {
    const error = refused("call", subject, errno);
    assert.ok(error.message.startsWith(`call: ${text}`), error.message);
    assert.match(error.message, /EIO/);
  }
  assert.equal(refused("call", {}, -9999).code, "EUNKNOWN");
  assert.equal(refused("call", {}, -9999).errno, 9999);
});

test("a kernel without descriptors of processes is named as the reason", () => {
  const error = refused("call", { pid: 1 }, -errnoNumber("ENOSYS"));
  assert.equal(error.code, "ENOSYS");
  assert.match(error.message, /process 1 cannot be watched: .*Linux 5\.3/);
});

test("only errors of loops are errors of loops", () => {
  const error = refused("call", {}, -errnoNumber("EIO"));
  assert.ok(error instanceof EventLoopError);
  assert.ok(error instanceof ZmqError);
  assert.ok(error instanceof Error);
  assert.equal(new ZmqError("EIO") instanceof EventLoopError, false);
  assert.equal((null as unknown) instanceof EventLoopError, false);
});

test("one code means what it means to the call", () => {
  const { message } = refused("acceptConnection", { fd: 7 }, -24);
  assert.match(message, /acceptConnection.*descriptor 7.*no descriptor left/);
  const poller = refused("EventLoop.watch", { fd: 1500 }, -24, POLLER_REASONS);
  assert.match(poller.message, /descriptor 1500 is beyond what select/);
});

const notLinux = host.os === "linux" ? null : "epoll is Linux'";

testUnless(notLinux, "what cannot be polled is always ready", () => {
  const refusal = (path: string | URL): string => {
    const fd = openSync(path, "r");
    try {
      using loop = new EventLoop({ poller: "epoll" });
      loop.watch(fd, {});
    } catch (error) {
      assert.ok(error instanceof EventLoopError, String(error));
      assert.equal(error.code, "EPERM");
      return error.message.replace(`${fd}`, "7");
    } finally {
      closeSync(fd);
    }
    return "not refused";
  };
  const expected = "EventLoop.watch: descriptor 7 cannot be polled: it is " +
    "always ready, like regular files, directories and some devices (EPERM)";
  assert.equal(refusal("/dev/null"), expected);
  assert.equal(refusal(new URL(import.meta.url)), expected);
});
