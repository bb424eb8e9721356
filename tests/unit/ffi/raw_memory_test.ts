import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressOf,
  host,
  madviseFree,
  memoryPageSize,
  viewAt,
} from "../../../ffi/mod.ts";
import { spawnFixture } from "./spawn_fixture.ts";

function makeGarbage(): number {
  let total = 0;
  for (let i = 0; i < 300; i++) {
    total += new Array(10_000).fill(i).length;
    total += new Uint8Array(20_000).length;
  }
  return total;
}

test("an address is a positive safe integer and follows the offset", () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(64));
  const address = addressOf(bytes);
  assert.ok(Number.isSafeInteger(address) && address > 0);
  assert.equal(addressOf(bytes.subarray(5)), address + 5);
  assert.equal(addressOf(new DataView(bytes.buffer, 8)), address + 8);
  assert.equal(addressOf(new Float64Array(bytes.buffer, 16)), address + 16);
});

test("small views stay at their address through garbage collections", () => {
  const views: Uint8Array[] = [];
  for (let i = 0; i < 200; i++) views.push(new Uint8Array(16).fill(i));
  const addresses = views.map((view) => addressOf(view));
  assert.ok(makeGarbage() > 0);
  views.forEach((view, i) => {
    assert.equal(addressOf(view), addresses[i]);
    view[3] = 255 - i;
    const raw = viewAt(addresses[i] as number, 16);
    assert.deepEqual([...raw], [...view]);
  });
});

test("an empty view has no address, and no bytes have an empty view", () => {
  assert.throws(() => addressOf(new Uint8Array(0)), RangeError);
  assert.equal(viewAt(0, 0).length, 0);
  assert.throws(() => viewAt(0, 1), RangeError);
});

test("another thread reads and writes memory by its address", () => {
  // Private memory of this thread, as a user's buffer is.
  const bytes = new Uint8Array(1000).fill(3);
  const fixture = spawnFixture("view-memory", 1000, addressOf(bytes));
  assert.equal(fixture.waitForReport().value, 3000);
  assert.ok(bytes.every((byte) => byte === 7));
});

test("only whole pages inside the range are given back", () => {
  const page = memoryPageSize();
  assert.ok(page >= 4096 && Number.isInteger(Math.log2(page)));
  const bytes = new Uint8Array(new SharedArrayBuffer(page * 8)).fill(9);
  const address = addressOf(bytes);
  const start = Math.ceil(address / page) * page - address;
  assert.equal(madviseFree(address + start + 1, page), 0);
  assert.equal(madviseFree(address + start + 1, page * 2 - 1), 0);
  assert.equal(bytes[start], 9);
  assert.equal(bytes[start + page - 1], 9);
  assert.equal(bytes[start + page * 2], 9);
  // Linux clears at once; elsewhere the contents may or may not survive.
  if (host.os === "linux") {
    assert.ok(
      bytes.subarray(start + page, start + 2 * page).every((b) => b === 0),
    );
  }
  assert.equal(bytes.fill(1)[start + page], 1);
});
