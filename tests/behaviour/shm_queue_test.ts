// Queues in shared memory, between processes of both runtimes. RELIABILITY's
// H tests, as far as a producer's own process is concerned.
import assert from "node:assert/strict";
import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import process from "node:process";
import { after, before, describe } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { toCString } from "../../ffi/c_string.ts";
import { closeFd } from "../../ffi/mod.ts";
import { openSharedMemoryCalls } from "../../ffi/shared_memory_calls.ts";
import { Row, Word } from "../../src/shm/layout.ts";
import { isIdle } from "../support/idle.ts";
import type { ChildError } from "../support/json_child.ts";
import { leakCheck, openDescriptors } from "../support/leaks.ts";
import { checkRecord, makeRecord } from "../support/shm_records.ts";
import {
  DEATH_SEEN_MS,
  OTHER_RUNTIME,
  OWN_RUNTIME,
  readToEnd,
  refusal,
  type Runtime,
  RUNTIMES,
  shmTest,
  WAITINGS,
} from "../support/shm_stage.ts";
import { until, within } from "../support/wait.ts";

/** The words of a queue's file, from outside of it. */
class FileWords {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, "r+");
  }

  get(word: number): number {
    const value = new Int32Array(1);
    readSync(this.#fd, value, 0, 4, 4 * word);
    return value[0] as number;
  }

  set(word: number, value: number): void {
    writeSync(this.#fd, new Int32Array([value]), 0, 4, 4 * word);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** This process's descriptors of a file. */
function descriptorsOf(path: string): number[] {
  return [...openDescriptors()].filter(([, target]) => target === path)
    .map(([fd]) => fd);
}

function openForWriting(path: string): number {
  const [here, O_WRONLY] = [-100, 1];
  const { calls } = openSharedMemoryCalls();
  const fd = calls.openat(here, toCString(path), O_WRONLY, 0);
  assert.ok(fd >= 0);
  return fd;
}

describe("a queue in shared memory", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const waiting of WAITINGS) {
    for (const runtime of RUNTIMES) {
      shmTest(
        `${waiting}: every record of a producer in ${runtime} comes whole and in order`,
        async (s) => {
          const producer = s.peer(runtime);
          const other = s.peer(runtime === "deno" ? "bun" : "deno");
          const options = { slots: 64, slotSize: 64, waiting, holdBack: true };
          await producer.ask("create", { options });
          const count = 20_000;
          await other.ask("open");
          const consumer = s.consume();
          const reading = other.ask<number>("read", { from: 0, count });
          const writing = producer.ask<number>("write", { from: 0, count });
          for (let n = 0; n < count; n += 1) {
            assert.equal(checkRecord(await consumer.read(10_000)), n);
          }
          assert.equal(await writing, count);
          assert.equal(await reading, count - 1);
          assert.equal(consumer.lost, 0);
          await producer.ask("close");
          assert.equal(readToEnd(consumer, () => {}), "EPIPE");
        },
      );
    }

    shmTest(
      `${waiting}: what was overwritten is counted exactly`,
      async (s) => {
        const producer = s.peer(OTHER_RUNTIME);
        await producer.ask("create", {
          options: { slots: 32, slotSize: 128, waiting },
        });
        const losses: number[] = [];
        const consumer = s.consume({ onLoss: (count) => losses.push(count) });
        const count = 30_000;
        const writing = producer.ask<number>("write", { from: 0, count });
        let read = 0;
        let last = -1;
        while (last < count - 1) {
          const found = checkRecord(await consumer.read(10_000));
          assert.ok(found > last, `${found} after ${last}`);
          last = found;
          read += 1;
          assert.equal(consumer.lost, found + 1 - read);
        }
        assert.equal(await writing, count);
        assert.equal(read + consumer.lost, count);
        assert.equal(losses.reduce((a, b) => a + b, 0), consumer.lost);
      },
    );

    shmTest(
      `${waiting}: a killed producer is told from a slow one`,
      async (s) => {
        const producer = s.peer(OTHER_RUNTIME);
        await producer.ask("create", { options: { waiting } });
        const consumer = s.consume();
        await producer.ask("write", { from: 0, count: 3 });
        for (let n = 0; n < 3; n += 1) {
          assert.equal(checkRecord(consumer.readSync(1000)), n);
        }
        process.kill(producer.child.pid, "SIGSTOP");
        assert.equal(refusal(() => consumer.readSync(700)).code, "EAGAIN");
        assert.equal(consumer.statistics.producer.state, "stopped");
        process.kill(producer.child.pid, "SIGCONT");
        await producer.ask("write", { from: 3, count: 2 });
        process.kill(producer.child.pid, "SIGKILL");
        // Nobody has reaped it yet: this thread has not turned its event loop.
        const start = performance.now();
        const found: number[] = [];
        assert.equal(readToEnd(consumer, (n) => found.push(n)), "EOWNERDEAD");
        const elapsed = performance.now() - start;
        assert.deepEqual(found, [3, 4]);
        assert.ok(elapsed < DEATH_SEEN_MS, `it took ${elapsed} ms`);
        assert.equal(consumer.statistics.producer.state, "dead");
        await producer.child.exited;
      },
    );

    shmTest(
      `${waiting}: what a follower misses of the next epoch is lost`,
      (s) => {
        const first = s.produce({ waiting, slots: 8, slotSize: 64 });
        const consumer = s.consume({ follow: true });
        first.write(makeRecord(0));
        assert.equal(checkRecord(consumer.readSync(5000)), 0);
        first.close();
        const second = s.produce({ waiting, slots: 8, slotSize: 64 });
        for (let n = 0; n < 30; n += 1) second.write(new Uint8Array(4).fill(n));
        const numbers: number[] = [];
        while (numbers.at(-1) !== 29) {
          numbers.push(consumer.readSync(5000)[0] as number);
        }
        assert.ok(numbers.length <= 8, numbers.join());
        assert.equal(consumer.lost, 30 - numbers.length);
        return Promise.resolve();
      },
    );

    shmTest(`${waiting}: the next producer's epoch is followed`, async (s) => {
      const first = s.peer(OTHER_RUNTIME);
      const epoch = await first.ask<number>("create", { options: { waiting } });
      const epochs: number[] = [];
      const consumer = s.consume({
        follow: true,
        onEpoch: (next) => epochs.push(next),
      });
      const strict = s.consume();
      await first.ask("write", { from: 0, count: 2 });
      process.kill(first.child.pid, "SIGKILL");
      await first.child.exited;
      for (const n of [0, 1]) {
        assert.equal(checkRecord(consumer.readSync(1000)), n);
      }
      const next = consumer.read(10_000);
      const second = s.peer(OWN_RUNTIME);
      const later = await second.ask<number>("create", {
        options: { waiting },
      });
      assert.ok(later > epoch);
      await second.ask("write", { from: 7, count: 1 });
      assert.equal(checkRecord(await next), 7);
      assert.deepEqual(epochs, [later]);
      assert.equal(readToEnd(strict, () => {}), "EOWNERDEAD");
    });

    shmTest(
      `${waiting}: waits with a promise end by a record or a close`,
      async (s) => {
        const producer = s.produce({ waiting });
        const consumer = s.consume();
        const reading = consumer.read(10_000);
        producer.write(makeRecord(5));
        assert.equal(checkRecord(await reading), 5);
        await assert.rejects(consumer.read(20), { code: "EAGAIN" });
        const closed = assert.rejects(consumer.read(10_000), { code: "EBADF" });
        consumer.close();
        await within(closed, "the end of the wait", 2000);
      },
    );
  }

  shmTest("one of two producers that race for a name wins", async (s) => {
    const peers = RUNTIMES.flatMap((runtime) => [
      s.peer(runtime),
      s.peer(runtime),
    ]);
    const results = await Promise.allSettled(
      peers.map(({ ask }) => ask("create")),
    );
    const won = results.filter(({ status }) => status === "fulfilled");
    const codes = results.map((result) =>
      result.status === "rejected" ? (result.reason as ChildError).code : "won"
    );
    assert.equal(won.length, 1, codes.join());
    assert.equal(codes.filter((code) => code === "EADDRINUSE").length, 3);
  });

  shmTest("what was read is given free before the ring is full", async (s) => {
    // Larger slots than those that are read several at a time.
    const producer = s.produce({ slots: 64, slotSize: 1024, holdBack: true });
    const consumer = s.consume();
    const record = new Uint8Array(8);
    for (let n = 0; n < 64; n += 1) producer.write(record);
    for (let n = 0; n < 3; n += 1) consumer.readSync(1000);
    // This thread is the reader's, too: nobody would give way.
    for (let n = 0; n < 3; n += 1) producer.write(record);
    assert.equal(producer.statistics.evicted, 0);
    for (let n = 0; n < 64; n += 1) consumer.readSync(1000);
    assert.equal(consumer.lost, 0);
    await Promise.resolve();
  });

  shmTest("who joins at the oldest record holds it back", async (s) => {
    const producer = s.produce({
      slots: 64,
      slotSize: 64,
      holdBack: { limitMs: 20 },
      firstSequence: 3n,
    });
    const record = new Uint8Array(8);
    for (let n = 0; n < 2; n += 1) producer.write(record);
    const consumer = s.consume({ from: "oldest" });
    for (let n = 0; n < 62; n += 1) producer.write(record);
    assert.equal(producer.statistics.evicted, 0);
    // One more would be written over the first of them.
    producer.write(record);
    assert.equal(producer.statistics.evicted, 1);
    const error = refusal(() => {
      for (;;) consumer.readSync(1000);
    });
    assert.equal(error.code, "ECONNABORTED");
    await Promise.resolve();
  });

  shmTest("only who comes where it waits for wakes it", (s) => {
    const options = { slots: 64, slotSize: 1024, holdBack: true };
    using producer = s.produce(options);
    const consumer = s.consume();
    for (let n = 0; n < 64; n += 1) producer.write(makeRecord(n));
    // In the place of a producer that sleeps: this thread cannot do both.
    const words = new FileWords(s.path);
    words.set(Word.GATE_LOW, words.get(Word.HEAD_LOW) - 48);
    words.set(Word.GATE_WAITING, 1);
    const moved = words.get(Word.GATE);
    for (let n = 0; n < 15; n += 1) consumer.readSync(1000);
    assert.equal(words.get(Word.GATE), moved);
    const row = Word.FIRST_ROW + Row.LOW;
    assert.equal(words.get(row), words.get(Word.HEAD_LOW) - 49, "told at once");
    consumer.readSync(1000);
    assert.equal(words.get(Word.GATE), moved + 1);
    assert.equal(words.get(Word.GATE_WAITING), 0);
    for (let n = 0; n < 10; n += 1) consumer.readSync(1000);
    assert.equal(words.get(Word.GATE), moved + 1);
    words.close();
    return Promise.resolve();
  });

  shmTest("consumers learn that they are a crowd, or none", async (s) => {
    using producer = s.produce({ slots: 64, slotSize: 64 });
    const words = new FileWords(s.path);
    const peers = [0, 1, 2].map((n) => s.peer(RUNTIMES[n % 2] as Runtime));
    for (const peer of peers) await peer.ask("open");
    let written = 0;
    /** What each of them reads next. */
    const nexts = [0, 0, 0];
    /** So many of them sleep and are woken by a record. */
    const wakes = async (count: number): Promise<number> => {
      const read = peers.slice(0, count).map((peer, n) => {
        const from = nexts[n] as number;
        nexts[n] = written + 1;
        return peer.ask("read", { from, count: written + 1 - from });
      });
      await delay(300);
      producer.write(makeRecord(written++));
      await Promise.all(read);
      return words.get(Word.CROWD);
    };
    await until(async () => await wakes(3) === 1, "a crowd");
    await until(async () => await wakes(1) === 0, "no crowd");
    words.close();
  });

  shmTest("one slot that comes free lets it go on", async (s) => {
    // It would rather have a quarter of the ring, but not for long.
    const options = {
      slots: 64,
      slotSize: 1024,
      holdBack: { limitMs: 40_000 },
    };
    const producer = s.peer(OTHER_RUNTIME);
    await producer.ask("create", { options });
    const consumer = s.consume();
    for (let n = 0; n < 5; n += 1) {
      const [from, count] = n === 0 ? [0, 65] : [64 + n, 1];
      const written = producer.ask<number>("write", { from, count });
      await delay(100);
      assert.equal(checkRecord(consumer.readSync(1000)), n);
      assert.equal(await within(written, "the write", 10_000), count);
    }
    assert.equal(consumer.lost, 0);
  });

  shmTest("a consumer that stands still is let go of", async (s) => {
    const holdBack = { limitMs: 50 };
    const producer = s.produce({ slots: 8, slotSize: 1024, holdBack });
    const still = s.consume();
    const start = performance.now();
    for (let n = 0; n < 20; n += 1) producer.write(makeRecord(n));
    const elapsed = performance.now() - start;
    assert.ok(elapsed >= 45 && elapsed < 5000, `${elapsed} ms`);
    assert.equal(producer.statistics.evicted, 1);
    const error = refusal(() => still.tryRead());
    assert.equal(error.code, "ECONNABORTED");
    assert.match(error.message, /more than 50 ms/);
    // The dead hold nobody back either.
    const dead = s.peer(OTHER_RUNTIME);
    await dead.ask("open");
    process.kill(dead.child.pid, "SIGKILL");
    await dead.child.exited;
    for (let n = 0; n < 40; n += 1) producer.write(makeRecord(n));
  });

  shmTest("views are checked when they are released", (s) => {
    const producer = s.produce({ slots: 4, slotSize: 1024 });
    const consumer = s.consume();
    producer.claim(3).set([1, 2, 3]);
    producer.commit(2);
    const view = consumer.view();
    assert.deepEqual([...view?.bytes ?? []], [1, 2]);
    assert.equal(view?.release(), true);
    producer.write(makeRecord(0));
    const overtaken = consumer.view();
    for (let n = 1; n < 9; n += 1) producer.write(makeRecord(n));
    assert.equal(overtaken?.release(), false);
    return Promise.resolve();
  });

  shmTest("what is no queue is refused at once, with its name", async (s) => {
    const { path } = s;
    assert.equal(refusal(() => s.consume()).code, "ENOENT");
    const producer = s.produce();
    const files = readFileSync(path);
    producer.close();
    const broken: [string, () => void][] = [
      ["EPROTO", () => writeFileSync(path, "")],
      ["EPROTO", () => writeFileSync(path, "no queue at all")],
      ["EPROTO", () => writeFileSync(path, new Uint8Array(files.length))],
      ["EPROTO", () => writeFileSync(path, files.subarray(0, 8192))],
      ["EPROTONOSUPPORT", () => {
        const other = Uint8Array.from(files);
        other[8] = 99;
        writeFileSync(path, other);
      }],
      ["ELOOP", () => {
        rmSync(path);
        symlinkSync("/dev/null", path);
      }],
    ];
    for (const [code, make] of broken) {
      make();
      const start = performance.now();
      const error = refusal(() => s.consume());
      assert.ok(performance.now() - start < 1000);
      assert.equal(error.code, code, error.message);
      assert.ok(error.message.includes(s.name), error.message);
    }
    return await Promise.resolve();
  });

  shmTest(
    "a file that shrinks under a reader is an error, no crash",
    async (s) => {
      const producer = s.peer(OTHER_RUNTIME);
      await producer.ask("create");
      const consumer = s.consume();
      await producer.ask("write", { from: 0, count: 1 });
      truncateSync(s.path, 4096);
      const error = refusal(() => {
        for (let n = 0; n < 3; n += 1) consumer.readSync(200);
      });
      assert.match(error.message, new RegExp(s.name));
      assert.notEqual(error.code, "EAGAIN");
    },
  );

  for (const runtime of RUNTIMES) {
    shmTest(
      `shrink: a file that is cut while records are known ends nobody in ${runtime}`,
      async (s) => {
        const producer = s.peer(runtime);
        const consumer = s.peer(runtime);
        // Views are not copied ahead: each touches the file again.
        const options = { slots: 16, slotSize: 4096, holdBack: true };
        await producer.ask("create", { options });
        await consumer.ask("open");
        await producer.ask("write", { from: 0, count: 8 });
        assert.equal(await consumer.ask("read", { from: 0, count: 2 }), 1);
        truncateSync(s.path, 0);
        const reads = consumer.ask("read", { from: 2, count: 1 });
        await assert.rejects(reads, { code: "EIO" });
        const writes = producer.ask("write", { from: 8, count: 1 });
        await assert.rejects(writes, { code: "EIO" });
        const error = await writes.catch((error: ChildError) => error.message);
        assert.ok(String(error).includes(s.name), String(error));
        await consumer.ask("close");
        await producer.ask("close");
      },
    );
  }

  shmTest("a wait that the system refuses is an error, no busy loop", (s) => {
    s.produce({ waiting: "record-lock" });
    const consumer = s.consume();
    // Its lock file, opened anew so that it can be looked at and not waited
    // for: shared locks need a descriptor that reads.
    const lock = s.path.replace(/queue$/, "lock");
    const fd = Math.max(...descriptorsOf(s.lock));
    closeFd(fd);
    const opened: number[] = [];
    do opened.push(openForWriting(lock)); while (opened.at(-1) !== fd);
    const start = performance.now();
    const error = refusal(() => consumer.readSync(5000));
    assert.ok(performance.now() - start < 1000, error.message);
    assert.equal(error.code, "EBADF");
    assert.match(error.message, /cannot wait for its record lock/);
    assert.ok(error.message.includes(s.name), error.message);
    for (const other of opened.slice(0, -1)) closeFd(other);
    return Promise.resolve();
  });

  for (const waiting of WAITINGS) {
    shmTest(`${waiting}: who waits uses no processor time`, async (s) => {
      const producer = s.produce({ waiting });
      const peers = RUNTIMES.map((runtime) => s.peer(runtime));
      for (const { ask } of peers) await ask("open");
      const range = { from: 0, count: 1 };
      const reading = peers.map(({ ask }) => ask<number>("read", range));
      for (const { child } of peers) {
        // The runtime may still be busy with its start.
        await until(() => isIdle(child.pid), "a second without work");
      }
      producer.write(makeRecord(0));
      assert.deepEqual(await Promise.all(reading), [0, 0]);
    });
  }

  shmTest("a promise that waits uses no processor time either", async (s) => {
    const producer = s.produce();
    const reading = s.consume().read(60_000);
    await until(() => isIdle(process.pid), "a second without work");
    producer.write(makeRecord(1));
    assert.equal(checkRecord(await reading), 1);
  });

  shmTest("a head that is not where its lock is lets nobody in", (s) => {
    const options = {
      waiting: "record-lock",
      slots: 16,
      slotSize: 64,
    } as const;
    const producer = s.produce(options);
    for (const n of [0, 1, 2]) producer.write(makeRecord(n));
    const words = new FileWords(s.path);
    const move = (head: number): void => {
      for (const word of [Word.INTENT_LOW, Word.HEAD_LOW]) {
        words.set(word, head);
      }
    };
    const head = words.get(Word.HEAD_LOW);
    for (const wrong of [head - 1, head + 1]) {
      move(wrong);
      const error = refusal(() => s.consume());
      assert.equal(error.code, "EPROTO", error.message);
      assert.match(error.message, /its head is not where its producer's lock/);
    }
    move(head);
    words.close();
    const consumer = s.consume();
    producer.write(makeRecord(3));
    assert.equal(checkRecord(consumer.readSync(1000)), 3);
    return Promise.resolve();
  });

  shmTest("a head that is not where its lock is ends who waits", (s) => {
    s.produce({ waiting: "record-lock", slots: 16, slotSize: 64 });
    const consumer = s.consume();
    const words = new FileWords(s.path);
    for (const word of [Word.INTENT_LOW, Word.HEAD_LOW]) words.set(word, 1);
    words.close();
    // A slot that was never written is an empty record.
    assert.equal(consumer.readSync(0).length, 0);
    const before = process.cpuUsage();
    const error = refusal(() => consumer.readSync(3000));
    const { user, system } = process.cpuUsage(before);
    assert.equal(error.code, "EPROTO", error.message);
    assert.match(error.message, /its head is not where its producer's lock is/);
    assert.ok(user + system < 1_000_000, "it was a busy loop");
  });
});
