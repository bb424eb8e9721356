// A producer that is killed at each of its accesses to shared memory: H1 of the
// plan. PUREZMQ_SHM_CRASH_STRIDE=1 kills it at each, instead of at a few.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import {
  ShmConsumer,
  type ShmConsumerOptions,
  ShmError,
  ShmProducer,
} from "../../src/shm_entry.ts";
import { CrashChild } from "../support/crash_child.ts";
import { checkRecord, makeRecord } from "../support/shm_records.ts";
import { until, within } from "../support/wait.ts";

const STRIDE = Number(process.env["PUREZMQ_SHM_CRASH_STRIDE"] ?? "29");
const LIMIT_MS = 280_000;

/**
 * A wait looks for the producer's lock every 80 ms, or is woken by it, so that
 * a death is seen within 250. A busy machine may be late now and then: the
 * bound holds for the median.
 */
const DEATH_SEEN_MS = 250;

/** A producer that ends at an access, and its queue. */
class Crash {
  readonly directory = mkdtempSync(join(tmpdir(), "purezmq-crash-"));
  readonly name = "crash";
  readonly child: CrashChild;

  /** @param dieAt The access at which the child ends; 0 = at none. */
  constructor(waiting: string, dieAt: number) {
    const { name, directory } = this;
    this.child = new CrashChild("shm_crash.ts", [
      name,
      directory,
      waiting,
      dieAt,
    ]);
  }

  open(options: ShmConsumerOptions = {}): ShmConsumer | null {
    const { name, directory } = this;
    try {
      return ShmConsumer.open(name, { directory, from: "oldest", ...options });
    } catch (error) {
      const isThere = !(error instanceof ShmError && error.code === "ENOENT");
      if (isThere) throw error;
      return null;
    }
  }

  async end(): Promise<void> {
    await this.child.end();
    rmSync(this.directory, { recursive: true });
  }
}

/** Reads all that is there; the code of the end and the time it took. */
function drain(consumer: ShmConsumer): { code: string; seenMs: number } {
  let last = -1;
  let count = 0;
  let first = 0;
  for (;;) {
    const from = performance.now();
    let record: Uint8Array;
    try {
      record = consumer.readSync(5000);
    } catch (error) {
      assert.ok(error instanceof ShmError, String(error));
      const seenMs = performance.now() - from;
      return { code: error.code, seenMs };
    }
    const found = checkRecord(record);
    assert.ok(found > last, `record ${found} after ${last}`);
    last = found;
    // What was overwritten before this consumer came is none of its losses.
    if (count === 0) first = found - consumer.lost;
    assert.ok(first >= 0);
    count += 1;
    assert.equal(Number(consumer.sequence), found);
    assert.equal(consumer.lost, found + 1 - first - count);
  }
}

/**
 * The next producer has the name, and its records come, also to who has waited
 * for it since the epoch before.
 */
function takeOver(crash: Crash, follower: ShmConsumer | null): number {
  const { name, directory } = crash;
  const from = performance.now();
  using producer = ShmProducer.create(name, { directory });
  using consumer = ShmConsumer.open(name, { directory });
  producer.write(makeRecord(3));
  assert.equal(checkRecord(consumer.readSync(1000)), 3);
  const elapsed = performance.now() - from;
  if (follower !== null) {
    const { epoch } = follower;
    let found: number;
    do found = checkRecord(follower.readSync(1000)); while (
      follower.epoch === epoch
    );
    assert.equal(follower.epoch, producer.epoch);
    assert.equal(found, 3);
  }
  return elapsed;
}

interface Found {
  readonly seenMs: number | null;
  readonly takeoverMs: number;
}

async function crashAt(waiting: string, dieAt: number): Promise<Found> {
  const crash = new Crash(waiting, dieAt);
  const { child } = crash;
  try {
    // Opened while it lives where that is possible, else when it is dead.
    let consumer: ShmConsumer | null = null;
    await until(() => {
      consumer ??= crash.open();
      return consumer !== null || child.over;
    }, "a queue or the child's end");
    consumer ??= crash.open();
    using follower = crash.open({ follow: true });
    let seenMs: number | null = null;
    const reader = consumer as ShmConsumer | null;
    if (reader !== null) {
      const end = drain(reader);
      // Killed behind the state's store it has closed the queue itself.
      assert.ok(["EOWNERDEAD", "EPIPE"].includes(end.code), end.code);
      if (end.code === "EOWNERDEAD") seenMs = end.seenMs;
      reader.close();
    }
    const how = await within(child.ended, "the end of the child");
    assert.ok(CrashChild.isKilled(how), `it ended by itself: ${how}`);
    return { seenMs, takeoverMs: takeOver(crash, follower) };
  } finally {
    await crash.end();
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

describe("a producer that is killed at its k-th shared access", () => {
  for (const waiting of ["futex", "record-lock"]) {
    test(
      `${waiting}: nothing torn, the death is seen, the next one takes over`,
      { timeout: LIMIT_MS },
      async (t) => {
        const whole = new Crash(waiting, 0);
        const how = await whole.child.ended;
        await whole.end();
        assert.equal(how, 0, whole.child.output);
        const { accesses } = whole.child;
        assert.ok(accesses > 100, `${accesses} accesses`);
        const seen: number[] = [];
        const takeovers: number[] = [];
        let deaths = 0;
        for (let k = 1; k <= accesses; k += STRIDE) {
          const { seenMs, takeoverMs } = await crashAt(waiting, k);
          if (seenMs !== null) seen.push(seenMs);
          takeovers.push(takeoverMs);
          deaths += 1;
        }
        assert.ok(seen.length > 0, "no death was seen by a reader");
        const seenMs = median(seen);
        assert.ok(seenMs <= DEATH_SEEN_MS, `seen after ${seenMs} ms`);
        assert.ok(median(takeovers) <= 500, `${median(takeovers)} ms`);
        const worst = Math.max(...seen).toFixed(0);
        t.diagnostic?.(
          `${deaths} deaths in ${accesses} accesses; ${seen.length} seen by ` +
            `a reader, after ${seenMs.toFixed(0)} ms (at most ${worst}); ` +
            `next producer after ${median(takeovers).toFixed(1)} ms`,
        );
      },
    );
  }
});
