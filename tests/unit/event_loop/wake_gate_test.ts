import assert from "node:assert/strict";
import { test } from "node:test";
import {
  claimGate,
  closeGate,
  GATE_CLOSED,
  isOpen,
  openGate,
  ring,
} from "../../../src/event_loop/wake_gate.ts";
import { EventLoop } from "../../../src/event_loop/mod.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

test("a gate lets nobody in when it is closed", () => {
  using loop = new EventLoop();
  const words = new Int32Array(new SharedArrayBuffer(8));
  const { target } = loop.wakeHandle;
  assert.equal(isOpen(words, 1), true, "0 is open");
  assert.equal(ring(words, 1, target), true);
  assert.equal(words[1], 0, "nobody stays inside");
  assert.equal(loop.runOnce(-1), 0, "it woke");
  closeGate(words, 1);
  assert.equal(isOpen(words, 1), false);
  assert.equal(ring(words, 1, target), false);
  assert.equal(words[1], GATE_CLOSED);
  assert.equal(words[0], 0, "only the word that is meant");
});

test("a closed gate is claimed by one, opened, and closed again", () => {
  const words = Int32Array.of(GATE_CLOSED);
  assert.equal(claimGate(words, 0), true);
  assert.equal(claimGate(words, 0), false);
  assert.equal(ring(words, 0, -1), false, "claimed is not open");
  openGate(words, 0);
  assert.equal(isOpen(words, 0), true);
  assert.equal(claimGate(words, 0), false, "it is not free");
  closeGate(words, 0);
  assert.equal(words[0], GATE_CLOSED);
  assert.equal(claimGate(words, 0), true);
});

test("leaves nothing behind", leaks.after);
