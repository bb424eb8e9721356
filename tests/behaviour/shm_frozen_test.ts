// Producers that are stopped and consumers that are killed at each of their
// accesses to shared memory: H2 of the plan. PUREZMQ_SHM_CRASH_STRIDE=1 takes
// each, instead of a few.
import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe } from "node:test";
import { processIdentity } from "../../ffi/mod.ts";
import { ShmConsumer, ShmProducer } from "../../src/shm_entry.ts";
import type { ShmProducerOptions } from "../../src/shm_entry.ts";
import { CrashChild } from "../support/crash_child.ts";
import { leakCheck } from "../support/leaks.ts";
import { checkRecord, makeRecord } from "../support/shm_records.ts";
import {
  readToEnd,
  refusal,
  type ShmStage,
  shmTest,
  WAITINGS,
} from "../support/shm_stage.ts";
import { nextTurn, until, within } from "../support/wait.ts";

const STRIDE = Number(process.env["PUREZMQ_SHM_CRASH_STRIDE"] ?? "41");
const LIMIT_MS = 280_000;
/** What a shm_crash child writes. */
const RECORDS = 12;
/** Longer than a death takes to be seen. */
const PATIENCE_MS = 300;

/** A write may have to find out that a consumer has died. */
const WRITE_MS = 250;
const HOLD_BACK = { limitMs: 20_000, consumers: 4 };
/** Of records: making one that has a larger number takes longer. */
const NUMBERS = 50_000;
/** Writes whose time is taken together, and how often. */
const BATCH = 4000;
const BATCHES = 20;
/** What the deaths may have left must not cost more than that. */
const SLOWER_MAX = 1.05;

/** How often that is looked at before it counts as slower. */
const LOOKS_MAX = 10;

async function stoppedAt(
  stage: ShmStage,
  waiting: string,
  k: number,
): Promise<"no queue" | "stopped"> {
  const { name, directory } = stage;
  const args = [name, directory, waiting, k, "SIGSTOP"];
  const child = new CrashChild("shm_crash.ts", args);
  const isStopped = (): boolean =>
    processIdentity(child.pid)?.state === "stopped";
  try {
    await until(isStopped, "the producer to stop");
    let consumer: ShmConsumer;
    try {
      consumer = stage.consume({ from: "oldest" });
    } catch (error) {
      // It was stopped before that had its name.
      assert.equal((error as { code?: string }).code, "ENOENT");
      return "no queue";
    }
    const found = readWhatIsThere(consumer);
    process.kill(child.pid, "SIGCONT");
    const end = readToEnd(consumer, (n) => found.push(n));
    assert.equal(end, "EPIPE");
    assert.equal(found.at(-1), RECORDS - 1);
    found.forEach((n, at) => {
      assert.ok(at === 0 || n > (found[at - 1] as number), found.join());
    });
    consumer.close();
    assert.equal(await within(child.ended, "the producer's end"), 0);
    return "stopped";
  } finally {
    await child.end();
  }
}

/** Reads what a producer has written that is stopped, and not dead. */
function readWhatIsThere(consumer: ShmConsumer): number[] {
  const found: number[] = [];
  for (;;) {
    try {
      found.push(checkRecord(consumer.readSync(PATIENCE_MS)));
    } catch (error) {
      // It may have closed the queue as the last thing that it did.
      const { code } = error as { code?: string };
      if (code === "EPIPE") return found;
      assert.equal(code, "EAGAIN");
      const { state } = consumer.statistics.producer;
      assert.equal(state, "stopped");
      return found;
    }
  }
}

/** Writes, and reads with a consumer that is to lose nothing. */
class Traffic {
  written = 0;
  worstMs = 0;
  readonly #producer: ShmProducer;
  readonly #witness: ShmConsumer;

  constructor(producer: ShmProducer, witness: ShmConsumer) {
    this.#producer = producer;
    this.#witness = witness;
  }

  step(): void {
    const number = this.written % NUMBERS;
    const record = makeRecord(number);
    const start = performance.now();
    this.#producer.write(record);
    this.worstMs = Math.max(this.worstMs, performance.now() - start);
    assert.equal(checkRecord(this.#witness.readSync(0)), number);
    this.written += 1;
  }

  batchMs(): number {
    const start = performance.now();
    for (let n = 0; n < BATCH; n += 1) this.step();
    return performance.now() - start;
  }

  /**
   * What this takes, by what the other takes: the least times of batches by
   * turns, so that the machine is as fast for one as for the other.
   */
  timeBy(other: Traffic): number {
    let own = Infinity;
    let others = Infinity;
    for (let batch = 0; batch < BATCHES; batch += 1) {
      own = Math.min(own, this.batchMs());
      others = Math.min(others, other.batchMs());
    }
    return own / others;
  }

  /** Goes on until a child has ended. */
  async outlive(child: CrashChild): Promise<void> {
    while (!child.over) {
      for (let n = 0; n < 8; n += 1) this.step();
      await nextTurn();
    }
  }
}

/** The same in a queue in which nobody dies. */
function trafficBeside(stage: ShmStage, options: ShmProducerOptions): Traffic {
  const { directory } = stage;
  const name = `${stage.name}-beside`;
  const producer = ShmProducer.create(name, { directory, ...options });
  stage.keep(producer);
  const consumer = stage.keep(ShmConsumer.open(name, { directory }));
  return new Traffic(producer, consumer);
}

/** How often a consumer accesses the memory that reads for a little while. */
async function accessesOfReader(stage: ShmStage): Promise<number> {
  using producer = stage.produce({ slots: 8, slotSize: 256, holdBack: true });
  const { name, directory } = stage;
  const child = new CrashChild("shm_crash_reader.ts", [name, directory, 0]);
  try {
    await until(() => child.output.includes("open"), "the consumer");
    for (let n = 0; n < 40; n += 1) producer.write(makeRecord(n));
    producer.close();
    assert.equal(await within(child.ended, "its end"), 0);
    return child.accesses;
  } finally {
    await child.end();
  }
}

describe("a producer that is stopped at its k-th shared access", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const waiting of WAITINGS) {
    shmTest(`${waiting}: is not taken for dead, and goes on`, async (s) => {
      const { name, directory } = s;
      const whole = new CrashChild("shm_crash.ts", [
        name,
        directory,
        waiting,
        0,
      ]);
      assert.equal(await within(whole.ended, "a whole run"), 0);
      const { accesses } = whole;
      assert.ok(accesses > 100, `${accesses} accesses`);
      let stops = 0;
      for (let k = 1; k <= accesses; k += STRIDE) {
        if (await stoppedAt(s, waiting, k) === "stopped") stops += 1;
      }
      assert.ok(stops > 1, "none was stopped in the middle of its work");
    }, { limitMs: LIMIT_MS });
  }
});

describe("a consumer that is killed at its k-th shared access", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const waiting of WAITINGS) {
    shmTest(`${waiting}: stops and slows down nobody`, async (s) => {
      const accesses = await accessesOfReader(s);
      assert.ok(accesses > 100, `${accesses} accesses`);
      const options: ShmProducerOptions = {
        slots: 8,
        slotSize: 256,
        waiting,
        holdBack: HOLD_BACK,
      };
      const producer = s.produce(options);
      const traffic = new Traffic(producer, s.consume());
      const worst: number[] = [];
      for (let k = 1; k <= accesses; k += STRIDE) {
        const args = [s.name, s.directory, k];
        const child = new CrashChild("shm_crash_reader.ts", args);
        traffic.worstMs = 0;
        await within(traffic.outlive(child), "its death", LIMIT_MS);
        const how = await child.ended;
        assert.ok(CrashChild.isKilled(how), `it ended by itself: ${how}`);
        // Round the ring, so that the dead are met.
        for (let n = 0; n < 16; n += 1) traffic.step();
        worst.push(traffic.worstMs);
        assert.equal(producer.statistics.consumers, 1, "the witness alone");
      }
      const { evicted, dead } = producer.statistics;
      assert.equal(evicted, 0);
      assert.ok(dead > 0, "none of them had a row");
      const median = worst.sort((a, b) => a - b)[worst.length >> 1] as number;
      assert.ok(median <= WRITE_MS, `a write took ${median} ms`);
      const undisturbed = trafficBeside(s, options);
      // What the dead had left would be there for good; another program's load
      // is not.
      let slower = Infinity;
      for (let n = 0; n < LOOKS_MAX && slower > SLOWER_MAX; n += 1) {
        slower = traffic.timeBy(undisturbed);
      }
      assert.ok(slower <= SLOWER_MAX, `${slower} times as slow afterwards`);
    }, { limitMs: LIMIT_MS });
  }
});

describe("a consumer that is killed where nobody holds the producer back", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const waiting of WAITINGS) {
    shmTest(`${waiting}: is nothing to the producer`, async (s) => {
      const producer = s.produce({ slots: 8, slotSize: 256, waiting });
      const { name, directory } = s;
      const args = [name, directory, 0];
      const child = new CrashChild("shm_crash_reader.ts", args);
      try {
        await until(() => child.output.includes("open"), "the consumer");
        for (let n = 0; n < 3; n += 1) producer.write(makeRecord(n));
        // While it sleeps, or is about to.
        process.kill(child.pid, "SIGKILL");
        await within(child.ended, "its end");
        const consumer = s.consume({ from: "newest" });
        for (let n = 3; n < 100; n += 1) {
          producer.write(makeRecord(n));
          assert.equal(checkRecord(consumer.readSync(1000)), n);
        }
        const { waits, evicted, dead } = producer.statistics;
        assert.deepEqual({ waits, evicted, dead }, {
          waits: 0,
          evicted: 0,
          dead: 0,
        });
        assert.equal(refusal(() => consumer.readSync(0)).code, "EAGAIN");
      } finally {
        await child.end();
      }
    });
  }
});
