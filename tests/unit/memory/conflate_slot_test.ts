import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConflateReader,
  ConflateWriter,
} from "../../../src/memory/conflate_slot.ts";
import { H } from "../../../src/memory/layout.ts";
import {
  assertNothingUsed,
  header,
  makeQueue,
  pattern,
  viewMemory,
} from "../../support/memory_fixture.ts";

class Slot {
  readonly view = viewMemory();
  readonly queue = makeQueue(this.view);
  readonly writer = new ConflateWriter(this.view.memory, this.queue);
  reader: ConflateReader;

  constructor(holding = false) {
    this.reader = new ConflateReader(this.view.memory, this.queue, holding);
  }

  /** Writes a message; returns what the flush said. */
  write(...parts: Uint8Array[]): boolean {
    this.writer.beginMessage();
    parts.forEach((part, index) => {
      this.writer.writeFrame(index < parts.length - 1 ? 1 : 0, part);
    });
    this.writer.completeMessages(1);
    return this.writer.flush();
  }

  take(): Uint8Array | null {
    const { reader } = this;
    if (!reader.available()) return null;
    reader.decode();
    const { bytes, bodyStart, bodyLength } = reader;
    reader.advance();
    return new Uint8Array(bytes.subarray(bodyStart, bodyStart + bodyLength));
  }

  end(): void {
    this.reader.destroy();
    assertNothingUsed(this.view);
  }
}

test("only the newest message stays", () => {
  const slot = new Slot();
  for (const size of [0, 1, 255, 256, 70_000]) {
    for (let n = 0; n < 5; n += 1) slot.write(pattern(size, n));
    assert.deepEqual(slot.take(), pattern(size, 4));
    assert.equal(slot.take(), null);
  }
  for (let n = 0; n < 5; n += 1) slot.write(pattern(9, n));
  assert.ok(header(slot.view, H.BLOCK_COUNT) <= 1);
  slot.end();
});

test("the reader's sleep is seen by the next flush, once", () => {
  const slot = new Slot();
  assert.equal(slot.write(pattern(1, 1)), true, "nobody sleeps");
  slot.take();
  assert.equal(slot.take(), null);
  assert.equal(slot.write(pattern(1, 2)), false, "wake it");
  assert.equal(slot.write(pattern(1, 3)), true);
  assert.deepEqual(slot.take(), pattern(1, 3));
  slot.end();
});

test("what was rolled back is not seen", () => {
  const slot = new Slot();
  slot.write(pattern(3, 1));
  slot.writer.beginMessage();
  slot.writer.writeFrame(0, pattern(3, 2));
  slot.writer.rollback();
  assert.equal(slot.writer.flush(), true);
  assert.deepEqual(slot.take(), pattern(3, 1));
  slot.end();
});

test("a body in a block is copied, and its reference given up", () => {
  const slot = new Slot();
  const { blocks } = slot.view.memory;
  const ref = blocks.allocate(1000);
  blocks.bytes(ref, 0, 1000).set(pattern(1000, 8));
  slot.writer.beginMessage();
  assert.ok(slot.writer.writeDescriptor(0, ref, 10, 500));
  slot.writer.completeMessages(1);
  slot.writer.flush();
  assert.deepEqual(slot.take(), pattern(1000, 8).slice(10, 510));
  slot.end();
});

test("of a run of messages the last survives, however it is cut", () => {
  const messages = [pattern(5, 1), pattern(300, 2), pattern(7, 3)];
  const run: number[] = [];
  const ends: number[] = [];
  for (const body of messages) {
    if (body.length < 256) run.push(0, body.length);
    else run.push(2, 0, 0, 0, 0, 0, 0, body.length >> 8, body.length & 255);
    run.push(...body);
    ends.push(run.length);
  }
  const source = new Uint8Array(run);
  for (const cut of [0, ...ends]) {
    const slot = new Slot();
    slot.writer.beginMessage();
    for (const [from, to] of [[0, cut], [cut, run.length]] as const) {
      if (from === to) continue;
      slot.writer.writeRun(source, from, to);
      slot.writer.completeMessages(1);
    }
    slot.writer.flush();
    assert.deepEqual(slot.take(), messages[2], `cut at ${cut}`);
    assert.equal(slot.take(), null);
    slot.end();
  }
});

test("the delimiter is seen behind the last message", () => {
  const slot = new Slot();
  slot.write(pattern(3, 1));
  slot.writer.delimit();
  assert.equal(slot.reader.atDelimiter(), false);
  slot.take();
  assert.equal(slot.reader.atDelimiter(), true);
  slot.end();
});

test("a holding reader reads again what was not committed", () => {
  const slot = new Slot(true);
  slot.write(pattern(3, 1));
  assert.deepEqual(slot.take(), pattern(3, 1));
  assert.equal(slot.take(), null);
  assert.equal(slot.reader.atDelimiter(), false);
  slot.reader.rewind();
  assert.deepEqual(slot.take(), pattern(3, 1));
  slot.write(pattern(3, 2));
  assert.equal(slot.take(), null, "the block is still needed");
  slot.reader.commit();
  assert.deepEqual(slot.take(), pattern(3, 2));
  slot.reader.commit();
  slot.end();
});

test("a message that was looked at and not read survives a move", () => {
  for (const newer of [false, true]) {
    const slot = new Slot();
    slot.write(pattern(3, 1));
    assert.equal(slot.reader.available(), true);
    if (newer) slot.write(pattern(3, 2));
    slot.reader.save();
    slot.reader = new ConflateReader(slot.view.memory, slot.queue);
    slot.reader.restore();
    assert.deepEqual(slot.take(), pattern(3, newer ? 2 : 1));
    assert.equal(slot.take(), null);
    slot.end();
  }
});

test("destroying frees what was taken and what was not", () => {
  const slot = new Slot();
  slot.write(pattern(3, 1));
  slot.reader.available();
  slot.write(pattern(3, 2));
  assert.equal(header(slot.view, H.BLOCK_COUNT), 2);
  slot.end();
});

test("a conflating pipe never runs out of credit", () => {
  const { writer, reader } = new Slot();
  assert.ok(writer.hasCredit() && writer.credit() > 0);
  assert.equal(reader.countRead(5), false);
  assert.equal(reader.tellRead(), false);
  assert.equal(reader.read, 5);
});
