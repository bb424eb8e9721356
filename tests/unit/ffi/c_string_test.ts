import assert from "node:assert/strict";
import { test } from "node:test";
import { cStringAt, fromCString, toCString } from "../../../ffi/c_string.ts";
import { addressOf } from "../../../ffi/mod.ts";

test("strings end with a zero byte on their way to C", () => {
  assert.deepEqual([...toCString("aé")], [0x61, 0xc3, 0xa9, 0]);
  assert.deepEqual([...toCString("")], [0]);
});

test("strings end at the first zero byte on their way back", () => {
  assert.equal(fromCString(new Uint8Array([0x61, 0x62, 0, 0x63])), "ab");
  assert.equal(fromCString(new Uint8Array([0x61, 0x62])), "ab");
});

test("a string is read from memory up to its end or the limit", () => {
  const bytes = toCString("interface");
  const address = addressOf(bytes);
  assert.equal(cStringAt(address, 64), "interface");
  assert.equal(cStringAt(address, 5), "inter");
  assert.equal(cStringAt(address + 9, 64), "");
});
