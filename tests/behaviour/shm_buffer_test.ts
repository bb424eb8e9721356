// A consumer of a shared-memory queue whose thread reads ahead.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { ShmConsumer, ShmProducer } from "../../src/shm_entry.ts";
import { leakCheck } from "../support/leaks.ts";
import { checkRecord, makeRecord } from "../support/shm_records.ts";
import { shmTest } from "../support/shm_stage.ts";
import { until, within } from "../support/wait.ts";

describe("a buffered consumer", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  test("absorbs a burst that is larger than the ring", async () => {
    const name = `buffer-${randomUUID()}`;
    using producer = ShmProducer.create(name, {
      slots: 32,
      slotSize: 256,
      holdBack: { limitMs: 20_000 },
    });
    const consumer = ShmConsumer.open(name);
    producer.write(makeRecord(0));
    assert.equal(checkRecord(consumer.readSync(1000)), 0);
    using buffer = consumer.buffered({ capacity: 2000, bytes: 2 ** 21 });
    for (let n = 1; n <= 2000; n += 1) producer.write(makeRecord(n));
    // Nobody has read any of them, and the ring has room for 32 slots.
    await until(() => buffer.statistics.waiting === 2000, "all of them");
    for (let n = 1; n <= 2000; n += 1) {
      assert.equal(checkRecord(await buffer.read(10_000)), n);
      assert.equal(buffer.sequence, BigInt(n));
    }
    assert.equal(buffer.lost, 0);
    assert.equal(buffer.tryRead(), null);
    await assert.rejects(buffer.read(20), { code: "EAGAIN" });
  });

  test("counts what the ring lost while it was full", async () => {
    const name = `buffer-${randomUUID()}`;
    using producer = ShmProducer.create(name, { slots: 16, slotSize: 1024 });
    using buffer = ShmConsumer.open(name).buffered({ capacity: 5 });
    producer.write(makeRecord(0));
    await until(() => buffer.statistics.waiting === 1, "the first");
    const count = 3000;
    for (let n = 1; n < count; n += 1) producer.write(makeRecord(n));
    await until(() => buffer.statistics.waiting === 5, "a full buffer");
    let read = 0;
    for (let last = -1; last < count - 1;) {
      const found = checkRecord(await buffer.read(10_000));
      assert.ok(found > last, `${found} after ${last}`);
      last = found;
      read += 1;
      assert.equal(buffer.lost, found + 1 - read);
    }
    assert.ok(buffer.lost > 0, "there was room for all of them");
  });

  test("reads the rest of its maker's epoch, not the next one", async () => {
    const name = `buffer-${randomUUID()}`;
    const first = ShmProducer.create(name);
    const consumer = ShmConsumer.open(name);
    for (let n = 0; n < 2; n += 1) first.write(makeRecord(n));
    first.close();
    using second = ShmProducer.create(name);
    second.write(makeRecord(7));
    using buffer = consumer.buffered({ capacity: 10 });
    for (let n = 0; n < 2; n += 1) {
      assert.equal(checkRecord(await buffer.read(10_000)), n);
    }
    await assert.rejects(buffer.read(10_000), { code: "EPIPE" });
  });

  shmTest(
    "follows producers of both runtimes, killed and closed",
    async (s) => {
      const runtimes = ["bun", "deno", "bun"] as const;
      const peers = runtimes.map((runtime) => s.peer(runtime));
      await peers[0]?.ask("create");
      using buffer = s.consume({ follow: true }).buffered();
      const epochs = new Set<number>();
      for (const [index, { ask, child }] of peers.entries()) {
        if (index > 0) await ask("create");
        await ask("write", { from: index * 10, count: 5 });
        for (let n = 0; n < 5; n += 1) {
          const found = checkRecord(await buffer.read(10_000));
          assert.equal(found, index * 10 + n);
          assert.equal(buffer.sequence, BigInt(n));
          epochs.add(buffer.epoch);
        }
        assert.equal(epochs.size, index + 1);
        if (index === 1) await ask("close");
        else await child.stop();
      }
      assert.equal(buffer.lost, 0);
    },
  );

  test("ends with the queue, and when it is closed", async () => {
    const name = `buffer-${randomUUID()}`;
    const producer = ShmProducer.create(name);
    using buffer = ShmConsumer.open(name).buffered();
    for (let n = 0; n < 10; n += 1) producer.write(makeRecord(n));
    // Perhaps before its thread has come to the queue.
    producer.close();
    const found: number[] = [];
    const reading = (async () => {
      for await (const record of buffer) found.push(checkRecord(record));
    })();
    await within(reading, "the end");
    assert.deepEqual(found, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    using another = ShmProducer.create(name);
    const closed = ShmConsumer.open(another.name).buffered();
    const waiting = closed.read();
    closed.close();
    await assert.rejects(within(waiting, "the closed one"), { code: "EBADF" });
    assert.throws(() => closed.tryRead(), { code: "EBADF" });
    using consumer = ShmConsumer.open(name);
    assert.throws(() => consumer.buffered({ capacity: 0 }), { code: "EINVAL" });
  });
});
