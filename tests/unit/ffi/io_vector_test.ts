import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressOf,
  closeFd,
  constants,
  errnoNumber,
  IO_VECTOR_CAPACITY_MAX,
  IoVector,
  openSocketPair,
  receiveVector,
  sendVector,
  shutdownSocket,
} from "../../../ffi/mod.ts";

function withPair(body: (left: number, right: number) => void): void {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  try {
    body(fds[0] as number, fds[1] as number);
  } finally {
    for (const fd of fds) closeFd(fd);
  }
}

function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}

test("stretches are gathered and scattered in order", () => {
  withPair((left, right) => {
    const source = sharedBytes(100).map((_, i) => i);
    const target = sharedBytes(100);
    const from = addressOf(source);
    const to = addressOf(target);
    const vector = new IoVector(4);
    vector.push(from + 10, 2);
    vector.push(from + 50, 3);
    assert.equal(sendVector(left, vector), 5);
    vector.clear();
    vector.push(to, 1);
    vector.push(to + 90, 10);
    assert.equal(vector.count, 2);
    assert.equal(receiveVector(right, vector), 5);
    assert.deepEqual([...target.subarray(0, 2)], [10, 0]);
    assert.deepEqual([...target.subarray(89, 95)], [0, 11, 50, 51, 52, 0]);
  });
});

test("nothing to read, the end, and a lost peer are told apart", () => {
  withPair((left, right) => {
    const bytes = sharedBytes(8);
    const vector = new IoVector(1);
    vector.push(addressOf(bytes), 8);
    assert.equal(receiveVector(left, vector), -errnoNumber("EAGAIN"));
    assert.equal(shutdownSocket(right, constants.SHUT_WR), 0);
    assert.equal(receiveVector(left, vector), 0);
    assert.equal(shutdownSocket(right, constants.SHUT_RDWR), 0);
    // No SIGPIPE: this process is still here to look.
    assert.equal(sendVector(left, vector), -errnoNumber("EPIPE"));
  });
});

test("a full socket takes a part and then nothing", () => {
  withPair((left) => {
    const bytes = sharedBytes(1 << 20);
    const vector = new IoVector(1);
    vector.push(addressOf(bytes), bytes.length);
    const taken = sendVector(left, vector);
    assert.ok(taken > 0 && taken < bytes.length, `${taken} bytes`);
    let result = taken;
    for (let i = 0; i < 100 && result > 0; i++) {
      result = sendVector(left, vector);
    }
    assert.equal(result, -errnoNumber("EAGAIN"));
  });
});

test("as many stretches as the system takes", () => {
  withPair((left, right) => {
    const source = sharedBytes(IO_VECTOR_CAPACITY_MAX).fill(5);
    const vector = new IoVector(IO_VECTOR_CAPACITY_MAX);
    for (let i = 0; i < vector.capacity; i++) {
      vector.push(addressOf(source) + i, 1);
    }
    assert.equal(sendVector(left, vector), IO_VECTOR_CAPACITY_MAX);
    const target = sharedBytes(2000);
    vector.clear();
    vector.push(addressOf(target), 2000);
    assert.equal(receiveVector(right, vector), IO_VECTOR_CAPACITY_MAX);
    assert.ok(target.subarray(0, 1024).every((byte) => byte === 5));
  });
});

test("wrong uses are refused before they reach the kernel", () => {
  for (const capacity of [0, -1, NaN, IO_VECTOR_CAPACITY_MAX + 1]) {
    assert.throws(() => new IoVector(capacity), RangeError);
  }
  const vector = new IoVector(1);
  assert.throws(() => receiveVector(0, vector), RangeError);
  vector.push(0, 0);
  assert.throws(() => vector.push(0, 0), RangeError);
});

test("an address beyond 4 GiB keeps both its halves", () => {
  const vector = new IoVector(1);
  vector.push(0x7fff_1234_5678, 9);
  withPair((left) => {
    // Nobody's memory: the kernel says so instead of reading another's.
    assert.equal(sendVector(left, vector), -errnoNumber("EFAULT"));
  });
});
