import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueReader } from "../../../src/memory/queue_reader.ts";
import { QueueWriter } from "../../../src/memory/queue_writer.ts";
import {
  assertNothingUsed,
  makeQueue,
  useThread,
  viewMemory,
} from "../../support/memory_fixture.ts";

/** A chunk with a frame in it, as a reader sees it. */
function chunkOf(view = viewMemory()) {
  const queue = makeQueue(view);
  const writer = new QueueWriter(view.memory, queue);
  const reader = new QueueReader(view.memory, queue);
  writer.beginMessage();
  writer.writeFrame(0, new Uint8Array(100));
  writer.completeMessages(1);
  writer.flush();
  assert.ok(reader.available());
  reader.decode();
  reader.advance();
  return { view, queue, writer, reader };
}

test("a pinned chunk stays until its queue and all views are gone", () => {
  for (const viewsFirst of [true, false]) {
    const { view, reader } = chunkOf();
    const { chunk, chunkSize } = reader;
    view.memory.pinChunk(chunk, chunkSize);
    view.memory.pinChunk(chunk, chunkSize);
    view.memory.unpinChunk(chunk);
    if (!viewsFirst) reader.destroy();
    assert.throws(() => assertNothingUsed(view));
    view.memory.unpinChunk(chunk);
    if (viewsFirst) {
      assert.throws(() => assertNothingUsed(view));
      reader.destroy();
    }
    assertNothingUsed(view);
  }
});

test("a pin holds although the pipe goes on on another thread", () => {
  const { view, queue, reader } = chunkOf();
  const { chunk, chunkSize } = reader;
  view.memory.pinChunk(chunk, chunkSize);
  reader.save();
  const other = viewMemory({ shared: view.shared, slot: 3 });
  const moved = new QueueReader(other.memory, queue);
  moved.restore();
  moved.destroy();
  assert.throws(() => assertNothingUsed(view), "the view is still there");
  view.memory.unpinChunk(chunk);
  assertNothingUsed(view);
});

test("lent memory of a thread that left is not taken for a new one's", () => {
  const view = viewMemory();
  useThread(view, 2);
  const old = view.memory.lend(new Uint8Array(8), () => {
    throw new Error("that thread is gone");
  });
  // Another thread gets the slot, and lends as well.
  const next = viewMemory({ shared: view.shared, slot: 2 });
  let freed = 0;
  const ref = next.memory.lend(new Uint8Array(8), () => void freed++);
  next.memory.blocks.release(old);
  next.memory.collectLoans();
  assert.equal(freed, 0);
  assert.equal(next.memory.loanCount, 1);
  next.memory.blocks.release(ref);
  next.memory.collectLoans();
  assert.equal(freed, 1);
  assertNothingUsed(view);
});

test("an error of a callback holds up no other, and surfaces later", () => {
  const view = viewMemory();
  useThread(view, 2);
  const later: (() => void)[] = [];
  const original = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (callback) => void later.push(callback);
  try {
    let freed = 0;
    const refs = [0, 1, 2].map((n) =>
      view.memory.lend(new Uint8Array(8), () => {
        freed++;
        if (n === 1) throw new Error("of the user");
      })
    );
    for (const ref of refs) view.memory.blocks.release(ref);
    view.memory.collectLoans();
    assert.equal(freed, 3);
    assertNothingUsed(view);
  } finally {
    globalThis.queueMicrotask = original;
  }
  assert.equal(later.length, 1);
  assert.throws(() => later[0]?.(), /of the user/);
});

test("more than a message may be is not lent", () => {
  const view = viewMemory();
  const huge = { length: 2 ** 31 } as Uint8Array;
  assert.throws(() => view.memory.lend(huge, undefined), RangeError);
  assertNothingUsed(view);
});
