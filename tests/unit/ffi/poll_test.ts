import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closeFd,
  host,
  monotonicMs,
  openLibc,
  openSocketPair,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PollSet,
  send,
} from "../../../ffi/mod.ts";
import { ignoreSignal } from "./ignore_signal.ts";
import { spawnFixture } from "./spawn_fixture.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

test("ready entries are counted and say for what", () => {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  const [left, right] = [fds[0] as number, fds[1] as number];
  const set = new PollSet(4);
  assert.equal(set.wait(0, 0), 0);
  set.set(0, left, POLLIN);
  set.set(1, right, POLLIN | POLLOUT);
  assert.equal(set.wait(2, -1), 1);
  assert.equal(set.revents(0), 0);
  assert.equal(set.revents(1), POLLOUT);
  send(right, new Uint8Array(1), 0, 1);
  assert.equal(set.wait(2, Infinity), 2);
  assert.equal(set.revents(0), POLLIN);
  set.set(1, -1, POLLOUT);
  assert.equal(set.wait(4, 0), 1);
  closeFd(right);
  assert.equal(set.wait(1, 0), 1);
  assert.ok((set.revents(0) & POLLHUP) !== 0);
  closeFd(left);
  assert.equal(set.wait(1, 0), 1);
  assert.equal(set.revents(0), POLLNVAL);
});

test("a wait lasts as long as it was asked to", () => {
  const start = monotonicMs();
  assert.equal(new PollSet(1).wait(1, 20.5), 0);
  assert.ok(monotonicMs() - start >= 20.5);
});

test("signals do not end a wait early", {
  skip: host.os !== "linux" && "sends signals with a call of Linux",
}, async () => {
  const { number, restore } = ignoreSignal();
  const fixture = spawnFixture("interrupted-poll", 200);
  const tid = fixture.waitForReport().value;
  const libc = openLibc();
  const tgkill = libc.library.word(host.arch === "aarch64" ? 131 : 234);
  const ended = fixture.ended();
  const { value, float } = fixture.waitForReport(2, () => {
    libc.call.syscall(tgkill, host.pid, tid, number);
  });
  assert.equal(value, 0);
  assert.ok(float >= 200, `the wait took ${float} ms`);
  assert.equal(await ended, null);
  restore();
});

test("entries outside the set are refused", () => {
  assert.throws(() => new PollSet(0), RangeError);
  const set = new PollSet(2);
  assert.throws(() => set.set(2, 0, POLLIN), RangeError);
  assert.throws(() => set.set(-1, 0, POLLIN), RangeError);
  assert.throws(() => set.wait(3, 0), RangeError);
});

test("leaves nothing behind", leaks.after);
