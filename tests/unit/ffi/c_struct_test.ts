import assert from "node:assert/strict";
import { test } from "node:test";
import { pointerAt, structAt } from "../../../ffi/c_struct.ts";
import { addressOf } from "../../../ffi/mod.ts";

test("fields are read where they lie", () => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(4, 77, true);
  const struct = structAt(addressOf(bytes), 16);
  assert.equal(struct.byteLength, 16);
  assert.equal(struct.getUint32(4, true), 77);
});

test("pointers are numbers", () => {
  const bytes = new Uint8Array(16);
  const address = addressOf(bytes);
  new DataView(bytes.buffer).setBigUint64(8, BigInt(address), true);
  const struct = structAt(address, 16);
  assert.equal(pointerAt(struct, 0), 0);
  assert.equal(pointerAt(struct, 8), address);
});
