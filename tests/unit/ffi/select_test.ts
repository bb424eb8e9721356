import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closeFd,
  errnoNumber,
  FD_SETSIZE,
  monotonicMs,
  openLibc,
  openSocketPair,
  SelectSet,
  send,
} from "../../../ffi/mod.ts";
import { runC } from "./run_script.ts";
import { testUnless } from "../../support/skip.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const noCompiler = runC("int main(void) { return 0; }") === null
  ? "this machine has no C compiler"
  : null;

/** The bits that are set in the words of one set. */
function bits(read: (word: number) => number): number[] {
  const found: number[] = [];
  for (let fd = 0; fd < FD_SETSIZE; fd++) {
    if (((read(fd >>> 5) >>> (fd & 31)) & 1) !== 0) found.push(fd);
  }
  return found;
}

function ready(set: SelectSet): [number[], number[]] {
  return [
    bits((word) => set.readyInput(word)),
    bits((word) => set.readyOutput(word)),
  ];
}

test("ready descriptors are counted and found", () => {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  const [left, right] = [fds[0] as number, fds[1] as number];
  const set = new SelectSet();
  assert.equal(set.wait(0), 0);
  set.set(left, true, false);
  set.set(right, true, true);
  assert.equal(set.wait(-1), 1);
  assert.deepEqual(ready(set), [[], [right]]);
  send(right, new Uint8Array(1), 0, 1);
  assert.equal(set.wait(Infinity), 2);
  assert.deepEqual(ready(set), [[left], [right]]);
  set.set(right, false, false);
  assert.equal(set.wait(1000), 1);
  assert.deepEqual(ready(set), [[left], []]);
  set.set(left, false, false);
  assert.equal(set.words, 0);
  assert.equal(set.wait(0), 0);
  assert.deepEqual(ready(set), [[], []]);
  for (const fd of fds) closeFd(fd);
});

test("a closed descriptor fails the call, and nothing is ready", () => {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  const set = new SelectSet();
  for (const fd of fds) set.set(fd, true, true);
  assert.equal(set.wait(0), 2);
  closeFd(fds[1] as number);
  assert.equal(set.wait(0), -errnoNumber("EBADF"));
  assert.deepEqual(ready(set), [[], []]);
  closeFd(fds[0] as number);
});

test("no bit is set beyond the sets", () => {
  const set = new SelectSet();
  for (const fd of [FD_SETSIZE, FD_SETSIZE + 31, 1_000_000, -1, NaN]) {
    assert.throws(() => set.set(fd, true, false), /FD_SETSIZE is 1024/);
  }
  set.set(FD_SETSIZE - 1, true, false);
  assert.equal(set.words, FD_SETSIZE / 32);
  set.set(40, true, false);
  set.set(FD_SETSIZE - 1, false, false);
  assert.equal(set.words, 2, "as many words as there are members");
});

test("a wait lasts as long as it was asked to", () => {
  const start = monotonicMs();
  assert.equal(new SelectSet().wait(20.5), 0);
  assert.ok(monotonicMs() - start >= 20.5);
});

test("a wait goes on for the rest of its time after a signal", () => {
  const call = openLibc().call as unknown as Record<string, unknown>;
  const real = call["select"] as (...args: unknown[]) => number;
  const seconds: number[] = [];
  let calls = 0;
  call["select"] = (...args: unknown[]) => {
    const time = args[4] as Uint32Array;
    seconds.push(time[0] as number);
    assert.ok((time[2] as number) < 1_000_000, "microseconds");
    if (++calls < 3) {
      openLibc().errno[0] = errnoNumber("EINTR");
      return -1;
    }
    return real.call(call, 0, null, null, null, new Uint32Array(4));
  };
  try {
    assert.equal(new SelectSet().wait(3_500), 0);
  } finally {
    call["select"] = real;
  }
  assert.deepEqual(seconds, [3, 3, 3]);
});

testUnless(noCompiler, "the sets are those of the C headers", () => {
  const numbers = [0, 31, 32, 63, 64, 1023];
  const actual = runC(`#include <stdio.h>
#include <string.h>
#include <sys/select.h>
int main(void) {
  printf("size %d\\nsetsize %d\\n", (int)sizeof(fd_set), FD_SETSIZE);
  printf("timeval %d\\n", (int)sizeof(struct timeval));
  int numbers[] = {${numbers.join()}};
  for (int i = 0; i < ${numbers.length}; i++) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(numbers[i], &set);
    const unsigned char *bytes = (const unsigned char *)&set;
    for (int at = 0; at < (int)sizeof(set); at++)
      if (bytes[at]) printf("fd%d %d\\n", numbers[i], at * 256 + bytes[at]);
  }
}`);
  assert.ok(actual !== null);
  assert.equal(actual.get("setsize"), FD_SETSIZE);
  assert.equal(actual.get("size"), FD_SETSIZE / 8);
  assert.equal(actual.get("timeval"), 16);
  for (const fd of numbers) {
    const word = new Uint32Array([2 ** (fd & 31)]);
    const bytes = new Uint8Array(word.buffer);
    const byte = bytes.findIndex((each) => each !== 0);
    const at = (fd >>> 5) * 4 + byte;
    assert.equal(actual.get(`fd${fd}`), at * 256 + (bytes[byte] as number));
  }
});

test("leaves nothing behind", leaks.after);
