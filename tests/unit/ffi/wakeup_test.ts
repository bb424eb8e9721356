import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closeFd,
  errnoNumber,
  host,
  POLLIN,
  PollSet,
  signalFd,
  wake,
  Wakeup,
  type WakeupKind,
} from "../../../ffi/mod.ts";
import { spawnFixture } from "./spawn_fixture.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

function isSignalled(wakeup: Wakeup, timeoutMs = 0): boolean {
  const set = new PollSet(1);
  set.set(0, wakeup.readFd, POLLIN);
  return set.wait(1, timeoutMs) === 1;
}

const kinds: readonly WakeupKind[] = host.os === "linux"
  ? ["eventfd", "pipe"]
  : ["pipe"];

for (const kind of kinds) {
  test(`a ${kind} is signalled until it is drained`, () => {
    const wakeup = Wakeup.open(kind);
    assert.equal(isSignalled(wakeup), false);
    wakeup.drain();
    assert.equal(signalFd(wakeup.writeFd), 0);
    assert.equal(signalFd(wakeup.writeFd), 0);
    assert.equal(isSignalled(wakeup), true);
    wakeup.drain();
    assert.equal(isSignalled(wakeup), false);
    wakeup.close();
    assert.equal(signalFd(wakeup.writeFd), -errnoNumber("EBADF"));
  });

  test(`a ${kind} takes any number of signals`, () => {
    const wakeup = Wakeup.open(kind);
    // A pipe holds 65,536 bytes, 8 of them for each signal.
    for (let i = 0; i < 10_000; i++) {
      assert.equal(signalFd(wakeup.writeFd), 0);
    }
    wakeup.drain();
    assert.equal(isSignalled(wakeup), false);
    wakeup.close();
  });

  test(`a ${kind} wakes a thread that waits in a C call`, async () => {
    const wakeup = Wakeup.open(kind);
    const fixture = spawnFixture("signal", wakeup.writeFd);
    const ended = fixture.ended();
    fixture.proceed();
    assert.equal(isSignalled(wakeup, 30_000), true);
    assert.equal(await ended, null);
    wakeup.close();
  });
}

test("draining tells of an end that is closed", () => {
  const wakeup = Wakeup.open("pipe");
  assert.equal(wakeup.drain(), 0, "nothing there");
  assert.equal(wake(wakeup.writeFd), 0);
  assert.equal(wakeup.drain(), 0);
  assert.equal(closeFd(wakeup.writeFd), 0);
  assert.equal(wakeup.drain(), -errnoNumber("EPIPE"));
  assert.equal(closeFd(wakeup.readFd), 0);
  assert.equal(wakeup.drain(), -errnoNumber("EBADF"));
});

test("the default is an eventfd where there is one", () => {
  const wakeup = Wakeup.open();
  assert.equal(wakeup.readFd === wakeup.writeFd, host.os === "linux");
  wakeup.close();
});

test("leaves nothing behind", leaks.after);
