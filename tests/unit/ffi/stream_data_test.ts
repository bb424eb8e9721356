import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closeFd,
  constants,
  errnoNumber,
  openSocketPair,
  receive,
  send,
  shutdownSocket,
} from "../../../ffi/mod.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

function withPair(body: (left: number, right: number) => void): void {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  try {
    body(fds[0] as number, fds[1] as number);
  } finally {
    for (const fd of fds) closeFd(fd);
  }
}

for (const kind of ["private", "shared"] as const) {
  test(`a stretch of ${kind} bytes arrives where it should`, () => {
    const make = (length: number): Uint8Array =>
      kind === "shared"
        ? new Uint8Array(new SharedArrayBuffer(length))
        : new Uint8Array(length);
    withPair((left, right) => {
      const source = make(10).map((_, i) => i);
      const target = make(10);
      assert.equal(send(left, source, 3, 4), 4);
      assert.equal(receive(right, target, 5, 5), 4);
      assert.deepEqual([...target], [0, 0, 0, 0, 0, 3, 4, 5, 6, 0]);
      assert.equal(receive(right, target, 0, 10), -errnoNumber("EAGAIN"));
    });
  });
}

test("the end of the stream is 0 and a lost peer is EPIPE", () => {
  withPair((left, right) => {
    const bytes = new Uint8Array(4);
    shutdownSocket(right, constants.SHUT_RDWR);
    assert.equal(receive(left, bytes, 0, 4), 0);
    assert.equal(send(left, bytes, 0, 4), -errnoNumber("EPIPE"));
  });
});

test("bytes outside the view never reach the kernel", () => {
  const bytes = new Uint8Array(4);
  for (const [offset, length] of [[0, 5], [4, 1], [-1, 2], [0, 0], [0, NaN]]) {
    const wrong = [offset as number, length as number] as const;
    assert.throws(() => send(1, bytes, ...wrong), RangeError);
    assert.throws(() => receive(0, bytes, ...wrong), RangeError);
  }
});

test("leaves nothing behind", leaks.after);
