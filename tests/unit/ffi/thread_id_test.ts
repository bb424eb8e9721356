import assert from "node:assert/strict";
import { test } from "node:test";
import { gettid, host, isMainThread, threadAlive } from "../../../ffi/mod.ts";
import { spawnFixture } from "./spawn_fixture.ts";

test("this thread has an id and is alive", () => {
  assert.ok(gettid() > 0);
  assert.equal(gettid(), gettid());
  assert.ok(threadAlive(gettid()));
  if (host.os === "linux" && isMainThread() && host.runtime === "bun") {
    assert.equal(gettid(), host.pid);
  }
});

test("a thread is alive until it has ended", async () => {
  const fixture = spawnFixture("thread-id");
  const tid = fixture.waitForReport().value;
  assert.notEqual(tid, gettid());
  assert.ok(threadAlive(tid));
  const ended = fixture.ended();
  fixture.proceed();
  assert.equal(await ended, null);
  // The kernel's thread goes shortly after the runtime's object of it.
  const deadline = Date.now() + 30_000;
  while (threadAlive(tid) && Date.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(threadAlive(tid), false);
});
