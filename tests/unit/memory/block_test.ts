import assert from "node:assert/strict";
import { test } from "node:test";
import { H, THREAD } from "../../../src/memory/layout.ts";
import {
  assertNothingUsed,
  header,
  limitMemory,
  pattern,
  useThread,
  viewMemory,
} from "../../support/memory_fixture.ts";

test("a block holds its body, of any size", () => {
  const view = viewMemory();
  const { blocks } = view.memory;
  for (const length of [0, 1, 224, 225, 5000, 65504, 65505, 1_000_000]) {
    const ref = blocks.allocate(length);
    const body = pattern(length, length);
    assert.equal(blocks.length(ref), length);
    blocks.bytes(ref, 0, length).set(body);
    assert.deepEqual(new Uint8Array(blocks.bytes(ref, 0, length)), body);
    const middle = length >> 1;
    assert.deepEqual(
      new Uint8Array(blocks.bytes(ref, middle, length - middle)),
      body.subarray(middle),
    );
    assert.equal(header(view, H.BLOCK_COUNT), 1);
    blocks.release(ref);
    assertNothingUsed(view);
  }
});

test("a block is made larger where it lies, if there is room behind it", () => {
  const view = viewMemory();
  const { blocks } = view.memory;
  const small = blocks.allocate(1000);
  assert.equal(blocks.extend(small, 2000), false, "a cell has neighbours");
  assert.equal(blocks.length(small), 1000);
  blocks.release(small);

  const ref = blocks.allocate(100_000);
  const body = pattern(100_000, 1);
  blocks.bytes(ref, 0, 100_000).set(body);
  const used = header(view, H.MEMORY_USED);
  assert.equal(blocks.extend(ref, 100_001), true);
  assert.equal(header(view, H.MEMORY_USED), used, "it had that much already");
  assert.equal(blocks.extend(ref, 5_000_000), true);
  assert.equal(blocks.length(ref), 5_000_000);
  assert.ok(header(view, H.MEMORY_USED) >= 5_000_000 / 256);
  blocks.bytes(ref, 4_999_999, 1)[0] = 7;
  assert.deepEqual(new Uint8Array(blocks.bytes(ref, 0, 100_000)), body);

  const behind = blocks.allocate(100_000);
  const freed = header(view, H.MEMORY_FREED);
  assert.equal(blocks.extend(ref, 6_000_000), false, "another one lies there");
  assert.equal(header(view, H.MEMORY_FREED), freed, "nothing came free by it");
  blocks.release(behind);
  const before = header(view, H.MEMORY_USED);
  limitMemory(view, 5_500_000);
  assert.equal(blocks.extend(ref, 6_000_000), false, "the limit");
  assert.equal(
    header(view, H.MEMORY_USED),
    before,
    "a refusal charges nothing",
  );
  assert.equal(blocks.length(ref), 5_000_000);
  blocks.release(ref);
  assertNothingUsed(view);
});

test("the last of all references frees it, and none before", () => {
  const view = viewMemory();
  const { blocks } = view.memory;
  const ref = blocks.allocate(1000);
  assert.equal(blocks.unshared(ref), true);
  blocks.retain(ref);
  blocks.retain(ref, 3);
  assert.equal(blocks.unshared(ref), false);
  for (let n = 0; n < 4; n += 1) {
    blocks.release(ref);
    assert.equal(header(view, H.BLOCK_COUNT), 1);
  }
  assert.equal(blocks.unshared(ref), true);
  blocks.release(ref);
  assertNothingUsed(view);
});

test("a body's address is where its view lies", () => {
  const view = viewMemory();
  const { blocks } = view.memory;
  const ref = blocks.allocate(100);
  const bytes = blocks.bytes(ref, 0, 100);
  const { platform } = view.control;
  assert.equal(blocks.address(ref), platform.addressOf(bytes));
  bytes[99] = 42;
  assert.equal(platform.viewAt(blocks.address(ref), 100)[99], 42);
  blocks.release(ref);
});

test("at the limit there is no block, unless it is guaranteed", () => {
  const view = viewMemory();
  limitMemory(view, 1024);
  const { blocks } = view.memory;
  assert.equal(blocks.allocate(2000), 0);
  assert.equal(header(view, H.BLOCK_COUNT), 0);
  const ref = blocks.allocate(2000, true);
  assert.notEqual(ref, 0);
  assert.equal(view.memory.lend(new Uint8Array(8), undefined), 0);
  assert.equal(view.memory.loanCount, 0);
  blocks.release(ref);
  assertNothingUsed(view);
});

test("lent memory is seen where it lies, from both threads", () => {
  const view = viewMemory();
  const other = viewMemory({ shared: view.shared, slot: 3 });
  useThread(view, 2);
  const mine = pattern(5000, 9);
  const ref = view.memory.lend(mine, undefined);
  const theirs = other.memory.blocks;
  assert.equal(theirs.length(ref), 5000);
  assert.equal(theirs.address(ref), view.control.platform.addressOf(mine));
  assert.deepEqual(
    new Uint8Array(theirs.bytes(ref, 10, 20)),
    mine.slice(10, 30),
  );
  assert.equal(theirs.unshared(ref), false, "it may not be written to");
  theirs.release(ref);
  view.memory.collectLoans();
  assertNothingUsed(view);
});

test("who lent memory is told when the last reference goes", () => {
  const view = viewMemory();
  const other = viewMemory({ shared: view.shared, slot: 3 });
  const thread = useThread(view, 2);
  const freed: string[] = [];
  const lend = (name: string) =>
    view.memory.lend(new Uint8Array(10), () => void freed.push(name));
  const [a, b] = [lend("a"), lend("b")];
  view.memory.blocks.retain(a);
  assert.equal(view.memory.loanCount, 2);
  other.memory.blocks.release(a);
  view.memory.collectLoans();
  assert.deepEqual(freed, []);
  other.memory.blocks.release(a);
  assert.notEqual(view.control.words[thread + THREAD.SUMMARY], 0, "has mail");
  other.memory.blocks.release(b);
  assert.deepEqual(freed, [], "never on the other thread");
  view.memory.collectLoans();
  assert.deepEqual(freed.sort(), ["a", "b"]);
  assert.equal(view.memory.loanCount, 0);
  assertNothingUsed(view);
});
