import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ERROR_CODES,
  errorNumber,
  errorNumberColumn,
  isErrorCode,
} from "../../../src/base/error_codes.ts";

test("the codes of ZeroMQ itself have libzmq's numbers everywhere", () => {
  const expected = {
    EFSM: 156384763,
    ENOCOMPATPROTO: 156384764,
    ETERM: 156384765,
    EMTHREAD: 156384766,
  };
  for (const [code, number] of Object.entries(expected)) {
    assert.ok(isErrorCode(code));
    assert.deepEqual(ERROR_CODES[code].numbers, [number, number, number]);
    assert.equal(errorNumber(code), number);
  }
});

test("the texts are the ones zeromq.js programs compare", () => {
  const expected = {
    EFAULT: "Context is closed",
    EAGAIN: "Operation was not possible or timed out",
    EMFILE: "Too many open file descriptors",
    ENOENT: "No such endpoint",
    EBUSY: "Socket is busy",
    EBADF: "Socket is closed",
    EADDRINUSE: "Address already in use",
    EFSM: "Operation cannot be accomplished in current state",
    EHOSTUNREACH: "Host unreachable",
    EPROTONOSUPPORT: "Protocol not supported",
    EINVAL: "Invalid argument",
    ENOTSOCK: "Socket operation on non-socket",
    ENODEV: "No such device",
    EADDRNOTAVAIL: "Cannot assign requested address",
    ENAMETOOLONG: "File name too long",
    ENOCOMPATPROTO: "The protocol is not compatible with the socket type",
    EOWNERDEAD: "A thread of the context died",
  };
  for (const [code, message] of Object.entries(expected)) {
    assert.ok(isErrorCode(code));
    assert.equal(ERROR_CODES[code].message, message);
  }
});

test("no two codes share a number on one system", () => {
  for (const column of [0, 1, 2] as const) {
    const numbers = Object.values(ERROR_CODES).map((row) =>
      row.numbers[column]
    );
    assert.equal(new Set(numbers).size, numbers.length);
  }
});

test("each system has its own column", () => {
  assert.equal(ERROR_CODES.EAGAIN.numbers[errorNumberColumn("linux")], 11);
  assert.equal(ERROR_CODES.EAGAIN.numbers[errorNumberColumn("darwin")], 35);
  assert.equal(ERROR_CODES.EPROTO.numbers[errorNumberColumn("darwin")], 100);
  assert.equal(ERROR_CODES.EPROTO.numbers[errorNumberColumn("freebsd")], 92);
  assert.equal(ERROR_CODES.EAGAIN.numbers[errorNumberColumn(undefined)], 11);
});

test("only names of the table are codes", () => {
  assert.ok(isErrorCode("EPIPE"));
  for (const name of ["", "EWHAT", "toString", "__proto__"]) {
    assert.ok(!isErrorCode(name));
  }
});
