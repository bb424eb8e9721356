import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Message } from "../../../src/memory/message.ts";
import {
  assertNothingUsed,
  useThread,
  viewMemory,
} from "../../support/memory_fixture.ts";

function blockMessage(view = viewMemory(), text = "hello") {
  const { memory } = view;
  const body = new TextEncoder().encode(text);
  const ref = memory.blocks.allocate(body.length);
  const bytes = memory.blocks.bytes(ref, 0, body.length);
  bytes.set(body);
  const message = new Message(memory, ref, false, 0, body.length, bytes);
  return { view, memory, ref, message };
}

test("a message shows its bytes until it is released", () => {
  const { view, memory, ref, message } = blockMessage();
  assert.equal(message.size, 5);
  assert.equal(message.toString(), "hello");
  assert.equal(message.block, ref);
  assert.equal(message.blockOffset, 0);
  assert.equal(message.released, false);
  assert.equal(memory.unreleasedMessages, 1);
  message.release();
  message.release();
  assert.equal(message.released, true);
  assert.equal(message.size, 5, "the size is still known");
  assert.throws(() => message.bytes, TypeError);
  assert.throws(() => message.copy(), TypeError);
  assert.throws(() => message.toString(), TypeError);
  assert.equal(memory.unreleasedMessages, 0);
  assert.equal(message.block, 0);
  assertNothingUsed(view);
});

test("a copy is a reference of its own", () => {
  const { view, memory, message } = blockMessage();
  const copy = message.copy();
  message.release();
  assert.equal(copy.toString(), "hello");
  assert.equal(memory.unreleasedMessages, 1);
  copy.release();
  assertNothingUsed(view);
});

test("using releases at the end of the scope", () => {
  const view = viewMemory();
  {
    using message = blockMessage(view).message;
    assert.equal(message.released, false);
  }
  assertNothingUsed(view);
});

test("a message knows whose it is", () => {
  const { view, memory, message } = blockMessage();
  const other = viewMemory({ shared: view.shared });
  assert.equal(message.isOf(memory), true);
  assert.equal(message.isOf(other.memory), false);
  message.release();
});

test("text over lent shared memory is decoded, a Buffer's too", () => {
  const view = viewMemory();
  useThread(view, 2);
  const lent = Buffer.from(new SharedArrayBuffer(3));
  lent.write("abc");
  const ref = view.memory.lend(lent, undefined);
  const message = new Message(view.memory, ref, false, 0, 3, lent);
  assert.equal(message.toString(), "abc");
  message.release();
  view.memory.collectLoans();
  assertNothingUsed(view);
});
