import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { H } from "../../../src/memory/layout.ts";
import { QueueReader } from "../../../src/memory/queue_reader.ts";
import {
  assertNothingUsed,
  header,
  makeQueue,
  pattern,
  viewMemory,
} from "../../support/memory_fixture.ts";
import { SeededRandom, seededRandom } from "../../support/seed.ts";
import { within } from "../../support/wait.ts";
import { MORE, QueuePair } from "./fixtures/queue_pair.ts";
import { startWorker } from "./fixtures/start_worker.ts";
import {
  frameSize,
  isFrame,
  waitForWord,
  wakeWord,
} from "./fixtures/traffic.ts";

describe("a reader", () => {
  test("enters each chunk anew, and says its size", () => {
    const pair = new QueuePair();
    const seen: [number, number][] = [];
    for (let n = 0; n < 60; n += 1) pair.write(pattern(200, n));
    pair.writer.flush();
    for (let n = 0; n < 60; n += 1) {
      assert.deepEqual(pair.takeMessage(), [pattern(200, n)]);
      const { entered, chunkSize } = pair.reader;
      if (seen.at(-1)?.[0] !== entered) seen.push([entered, chunkSize]);
    }
    assert.deepEqual(seen, [[1, 256], [2, 4096], [3, 65536]]);
    assert.equal(pair.reader.read, 60);
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("sees the delimiter only behind the last message", () => {
    const pair = new QueuePair();
    assert.equal(pair.reader.atDelimiter(), false);
    pair.write(pattern(5, 1));
    pair.writer.flush();
    pair.writer.delimit();
    assert.equal(pair.reader.atDelimiter(), false);
    assert.deepEqual(pair.takeMessage(), [pattern(5, 1)]);
    assert.equal(pair.reader.atDelimiter(), true);
    assert.equal(pair.reader.atDelimiter(), true);
    pair.destroy();
  });

  test("goes on after both ends moved, wherever they stood", () => {
    for (const count of [0, 1, 2, 30]) {
      for (const read of [0, 1, 15, 30]) {
        const pair = new QueuePair({ hwm: 100 });
        for (let n = 0; n < count; n += 1) pair.write(pattern(150, n));
        pair.writer.flush();
        for (let n = 0; n < Math.min(read, count); n += 1) {
          assert.deepEqual(pair.takeMessage(), [pattern(150, n)]);
        }
        if (read > count) assert.equal(pair.takeMessage(), null);
        pair.move();
        for (let n = count; n < 40; n += 1) pair.write(pattern(150, n));
        pair.writer.flush();
        for (let n = Math.min(read, count); n < 40; n += 1) {
          assert.deepEqual(pair.takeMessage(), [pattern(150, n)]);
        }
        assert.equal(pair.writer.credit() > 0, true);
        assert.equal(pair.takeMessage(), null);
        pair.destroy();
        assertNothingUsed(pair.view);
      }
    }
  });

  test("frees all that is left, blocks and chunks, and only once", () => {
    for (const read of [0, 1, 20, 60]) {
      const pair = new QueuePair();
      for (let n = 0; n < 60; n += 1) {
        pair.writer.beginMessage();
        pair.writer.writeFrame(MORE, pattern(300, n));
        pair.writeBlock(0, pattern(70, n));
        pair.writer.completeMessages(1);
      }
      pair.writer.flush();
      for (let n = 0; n < read; n += 1) pair.takeMessage();
      pair.writer.beginMessage();
      pair.writeBlock(MORE, pattern(9, 9));
      pair.writer.writeFrame(MORE, pattern(5000, 9));
      pair.writer.rollback();
      pair.reader.destroy();
      assertNothingUsed(pair.view);
      pair.reader.destroy();
      assertNothingUsed(pair.view);
    }
  });

  test("of a queue that was never written to frees nothing", () => {
    const view = viewMemory();
    const reader = new QueueReader(view.memory, makeQueue(view));
    reader.destroy();
    assertNothingUsed(view);
  });
});

describe("positions wrap", () => {
  // Where doubled positions change sign, and where they pass through zero.
  for (const bytes of [2 ** 30, 2 ** 31]) {
    for (const before of [0, 1, 200, 4096, 65536]) {
      test(`at ${bytes}, from ${before} bytes before`, () => {
        const pair = new QueuePair();
        pair.write(pattern(10, 1));
        pair.writer.flush();
        pair.takeMessage();
        pair.shiftPositions(bytes - 12 - before);
        for (let n = 0; n < 300; n += 1) {
          const body = pattern((n * 37) % 900, n);
          pair.write(body);
          pair.writer.beginMessage();
          pair.writer.writeFrame(MORE, body);
          pair.writer.rollback();
          const slept = !pair.writer.flush();
          if (n % 3 === 0 && n > 0) assert.ok(slept, "it was asleep");
          if (n % 3 !== 2) continue;
          for (let m = n - 2; m <= n; m += 1) {
            const expected = pattern((m * 37) % 900, m);
            assert.deepEqual(pair.takeMessage(), [expected], `message ${m}`);
          }
          assert.equal(pair.takeMessage(), null);
        }
        pair.destroy();
        assertNothingUsed(pair.view);
      });
    }
  }

  test("for a holding reader as well", () => {
    const pair = new QueuePair({ holding: true });
    pair.write(pattern(10, 1));
    pair.writer.flush();
    pair.takeMessage();
    pair.reader.commit();
    pair.shiftPositions(2 ** 30 - 500);
    for (let n = 0; n < 100; n += 1) pair.write(pattern(100, n));
    pair.writer.flush();
    for (let n = 0; n < 100; n += 1) pair.take();
    pair.reader.rewind();
    for (let n = 0; n < 100; n += 1) {
      assert.deepEqual(pair.takeMessage(), [pattern(100, n)]);
    }
    pair.reader.commit();
    pair.destroy();
    assertNothingUsed(pair.view);
  });
});

describe("a holding reader", () => {
  test("reads again what was not committed, from any place", () => {
    for (const committed of [0, 1, 2, 3, 25, 49, 50]) {
      const pair = new QueuePair({ holding: true });
      for (let n = 0; n < 50; n += 1) pair.write(pattern(120, n));
      pair.writer.flush();
      for (let n = 0; n < committed; n += 1) pair.take();
      if (committed > 0) pair.reader.commit();
      for (let round = 0; round < 3; round += 1) {
        for (let n = committed; n < 50; n += 1) {
          assert.deepEqual(pair.take()?.body, pattern(120, n));
        }
        assert.equal(pair.take(), null);
        if (committed < 50) assert.equal(pair.reader.committed, false);
        pair.reader.rewind();
        assert.equal(pair.reader.committed, true);
      }
      pair.destroy();
      assertNothingUsed(pair.view);
    }
  });

  test("frees chunks at the commit, not before", () => {
    const pair = new QueuePair({ holding: true });
    for (let n = 0; n < 1000; n += 1) pair.write(pattern(1000, n));
    pair.writer.flush();
    const all = header(pair.view, H.MEMORY_USED);
    for (let n = 0; n < 1000; n += 1) pair.take();
    assert.equal(header(pair.view, H.MEMORY_USED), all);
    pair.reader.commit();
    assert.equal(header(pair.view, H.MEMORY_USED), 65536 / 256);
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("is at the delimiter only when all is delivered", () => {
    const pair = new QueuePair({ holding: true });
    pair.write(pattern(5, 1));
    pair.writer.flush();
    pair.writer.delimit();
    assert.equal(pair.reader.atDelimiter(), false);
    pair.take();
    assert.equal(pair.reader.atDelimiter(), false, "read, not delivered");
    pair.reader.commit();
    assert.equal(pair.reader.atDelimiter(), true);
    pair.destroy();
  });

  test("sleeps and is woken although it went back", () => {
    const pair = new QueuePair({ holding: true });
    pair.write(pattern(5, 1));
    pair.writer.flush();
    pair.take();
    assert.equal(pair.take(), null);
    pair.reader.rewind();
    pair.take();
    assert.equal(pair.take(), null, "still asleep");
    pair.write(pattern(5, 2));
    assert.equal(pair.writer.flush(), false);
    assert.deepEqual(pair.take()?.body, pattern(5, 2));
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("that moves reads on from its commit", () => {
    const pair = new QueuePair({ holding: true });
    for (let n = 0; n < 50; n += 1) pair.write(pattern(120, n));
    pair.writer.flush();
    for (let n = 0; n < 30; n += 1) pair.take();
    pair.reader.commit();
    for (let n = 0; n < 15; n += 1) pair.take();
    pair.move();
    for (let round = 0; round < 2; round += 1) {
      for (let n = 30; n < 50; n += 1) {
        assert.deepEqual(pair.take()?.body, pattern(120, n));
      }
      pair.reader.rewind();
    }
    pair.destroy();
    assertNothingUsed(pair.view);
  });

  test("destroyed in the midst releases the blocks that it held", () => {
    const pair = new QueuePair({ holding: true });
    for (let n = 0; n < 300; n += 1) {
      pair.writer.beginMessage();
      pair.writeBlock(0, pattern(30, n));
      pair.writer.completeMessages(1);
    }
    pair.writer.flush();
    for (let n = 0; n < 200; n += 1) pair.take();
    pair.destroy();
    assertNothingUsed(pair.view);
  });
});

test("two threads pass a million frames", { timeout: 120_000 }, async () => {
  const frames = 1_000_000;
  const view = viewMemory();
  const queue = makeQueue(view, 1000, -1);
  const reader = new QueueReader(view.memory, queue);
  const signals = new Int32Array(new SharedArrayBuffer(8));
  const { seed } = seededRandom("two threads");
  const worker = startWorker("write", {
    shared: view.shared,
    queue,
    frames,
    seed,
    signals,
  });
  const random = new SeededRandom(seed);
  let sleeps = 0;
  for (let number = 0; number < frames;) {
    while (reader.available()) {
      reader.decode();
      const { bytes, bodyStart, bodyLength } = reader;
      if (bodyLength !== frameSize(random)) {
        assert.fail(`Frame ${number} has ${bodyLength} bytes`);
      }
      // The writer's second number says whether it flushes.
      random.next32();
      if (!isFrame(bytes, bodyStart, bodyLength, number)) {
        assert.fail(`Frame ${number} of ${bodyLength} bytes is not whole`);
      }
      reader.advance();
      number += 1;
      if (reader.countRead(1)) wakeWord(signals, 1);
    }
    if (reader.tellRead()) wakeWord(signals, 1);
    if (number === frames) break;
    sleeps += 1;
    waitForWord(signals, 0);
  }
  await within(worker.ended, "the end of the writer");
  assert.equal(reader.atDelimiter(), true);
  assert.ok(sleeps > 0, "it slept at least once");
  reader.destroy();
  assertNothingUsed(view);
});
