import assert from "node:assert/strict";
import { test } from "node:test";
import {
  booleanValue,
  bytesValue,
  choiceValue,
  int64Value,
  integerValue,
  optionText,
  routingIdValue,
  textValue,
  uint64Value,
  type Validator,
} from "../../../src/base/option_values.ts";
import { ZmqError } from "../../../src/base/errors.ts";

test("any value at all gives a result, EINVAL or a TypeError", () => {
  const validators: Validator<unknown>[] = [
    booleanValue,
    integerValue(-1),
    int64Value,
    uint64Value,
    textValue,
    routingIdValue,
    bytesValue,
    choiceValue(null, "a"),
  ];
  const values: unknown[] = [
    undefined,
    null,
    true,
    "",
    "text",
    "\ud800",
    "\0",
    Symbol("s"),
    10n,
    {},
    [],
    () => 1,
    new Date(0),
    new ArrayBuffer(2),
    new DataView(new ArrayBuffer(2)),
    new Uint16Array(2),
    new Uint8Array(300),
  ];
  for (let exponent = 0; exponent <= 70; exponent += 1) {
    for (const delta of [-1, 0, 1]) {
      values.push(2 ** exponent + delta, -(2 ** exponent) + delta);
    }
  }
  for (const validate of validators) {
    for (const value of values) {
      let caught: unknown = null;
      try {
        validate(value);
      } catch (error) {
        caught = error;
      }
      const known = caught === null || caught instanceof TypeError ||
        (caught instanceof ZmqError && caught.code === "EINVAL");
      assert.ok(known, `${String(value)}: ${caught}`);
    }
  }
});

test("a Buffer counts as bytes", () => {
  // Buffers are views of a pool: only their own range may be taken.
  const pool = new Uint8Array([1, 2, 3, 4]);
  assert.deepEqual(bytesValue(pool.subarray(1, 3)), Uint8Array.of(2, 3));
});

test("text ends at the first NUL", () => {
  assert.equal(optionText(Uint8Array.of()), null);
  assert.equal(optionText(Uint8Array.of(0, 65)), "");
  assert.equal(optionText(Uint8Array.of(65, 66, 0, 67)), "AB");
  assert.equal(optionText(Uint8Array.of(0xc3, 0xa9)), "é");
});
