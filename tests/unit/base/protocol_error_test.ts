import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isProtocolError,
  PROTOCOL_ERRORS,
} from "../../../src/base/protocol_error.ts";

const OWN = [
  "ERR_ZMTP_UNSPECIFIED 10000000",
  "ERR_ZMTP_UNEXPECTED_COMMAND 10000001",
  "ERR_ZMTP_INVALID_SEQUENCE 10000002",
  "ERR_ZMTP_KEY_EXCHANGE 10000003",
  "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 10000011",
  "ERR_ZMTP_MALFORMED_COMMAND_MESSAGE 10000012",
  "ERR_ZMTP_MALFORMED_COMMAND_HELLO 10000013",
  "ERR_ZMTP_MALFORMED_COMMAND_INITIATE 10000014",
  "ERR_ZMTP_MALFORMED_COMMAND_ERROR 10000015",
  "ERR_ZMTP_MALFORMED_COMMAND_READY 10000016",
  "ERR_ZMTP_MALFORMED_COMMAND_WELCOME 10000017",
  "ERR_ZMTP_INVALID_METADATA 10000018",
  "ERR_ZMTP_CRYPTOGRAPHIC 11000001",
  "ERR_ZMTP_MECHANISM_MISMATCH 11000002",
];

test("libzmq's protocol errors have their numbers", () => {
  const reported = Object.entries(PROTOCOL_ERRORS)
    .filter(([name, row]) => row.reportedAs === name)
    .map(([name, row]) => `${name} ${row.number.toString(16)}`);
  assert.deepEqual(reported, OWN);
});

test("finer reasons are reported as one of libzmq's", () => {
  for (const [name, row] of Object.entries(PROTOCOL_ERRORS)) {
    const target = PROTOCOL_ERRORS[row.reportedAs];
    assert.equal(target.reportedAs, row.reportedAs, name);
    assert.equal(target.number, row.number, name);
    assert.match(row.meaning, /^[a-z].*[^.]$/, name);
  }
});

test("a result is told from an error", () => {
  assert.ok(isProtocolError("ERR_ZMTP_RESERVED_FLAGS"));
  for (const value of ["", "toString", "ERR_ZMTP", null, {}, 5, undefined]) {
    assert.ok(!isProtocolError(value));
  }
});
