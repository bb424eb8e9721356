// One producer and two consumers in one thread, by chance: small rings, records
// of one slot and of several, paddings, and readers that are overtaken.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RingMemory } from "../../../src/shm/ring_memory.ts";
import { ShmConsumer, ShmProducer } from "../../../src/shm_entry.ts";
import { leakFree } from "../../support/leaks.ts";
import { seededRandom } from "../../support/seed.ts";
import { checkRecord, makeRecord } from "../../support/shm_records.ts";

const ROUNDS = 60;
const STEPS = 200;
/** Room for the largest record, bytes. */
const RING_BYTES_MIN = 800;

/** A consumer, and what it must have seen and lost. */
class Reader {
  readonly #consumer: ShmConsumer;
  #last = -1;
  #read = 0;

  constructor(consumer: ShmConsumer) {
    this.#consumer = consumer;
  }

  /** Reads the next record, in place or not; false when there is none. */
  read(inPlace: boolean): boolean {
    const found = inPlace ? this.#view() : this.#copy();
    if (found === null) return false;
    assert.ok(found > this.#last, `record ${found} after ${this.#last}`);
    this.#last = found;
    this.#read += 1;
    assert.equal(this.#consumer.lost, found + 1 - this.#read);
    return true;
  }

  /** The number of the last record. */
  get last(): number {
    return this.#last;
  }

  close(): void {
    this.#consumer.close();
  }

  #copy(): number | null {
    const record = this.#consumer.tryRead();
    return record && checkRecord(record);
  }

  #view(): number | null {
    const view = this.#consumer.view();
    if (view === null) return null;
    const found = checkRecord(view.bytes);
    assert.ok(view.release(), "nobody writes meanwhile");
    return found;
  }
}

test(
  "records come whole and in order, and losses are counted exactly",
  leakFree(() => {
    const random = seededRandom("the ring's model");
    const below = (bound: number): number => random.below(bound);
    const directory = mkdtempSync(join(tmpdir(), "purezmq-shm-"));
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const slots = 2 ** (4 + below(7));
        const slotSize = Math.max(50 + below(500), RING_BYTES_MIN / slots);
        const producer = ShmProducer.create("ring", {
          directory,
          slots,
          slotSize: Math.ceil(slotSize),
          waiting: below(2) === 0 ? "futex" : "record-lock",
          firstSequence: BigInt(below(2 ** 40)),
        });
        const readers = (["newest", "oldest"] as const).map((from) =>
          new Reader(ShmConsumer.open("ring", { directory, from }))
        );
        let written = 0;
        for (let step = 0; step < STEPS; step += 1) {
          const until = written + below(1 + below(200));
          while (written < until) producer.write(makeRecord(written++));
          for (const reader of readers) {
            let left = below(60);
            while (left-- > 0 && reader.read(below(5) === 0));
          }
        }
        producer.close();
        for (const reader of readers) reader.close();
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  }),
);

test(
  "a reader that is overtaken whenever it looks still gets the last record",
  leakFree(() => {
    const directory = mkdtempSync(join(tmpdir(), "purezmq-shm-"));
    const { fenceBeforeLoad } = RingMemory.prototype;
    try {
      for (let times = 1; times <= 12; times += 1) {
        using producer = ShmProducer.create("ring", {
          directory,
          slots: 16,
          slotSize: 64,
        });
        using consumer = ShmConsumer.open("ring", { directory });
        let written = 0;
        const writeRing = (): void => {
          for (let n = 0; n < 40; n += 1) producer.write(makeRecord(written++));
        };
        let left = times;
        // Where it looks whether it was overtaken.
        RingMemory.prototype.fenceBeforeLoad = function (): void {
          fenceBeforeLoad.call(this);
          if (left <= 0) return;
          left -= 1;
          writeRing();
        };
        writeRing();
        const reader = new Reader(consumer);
        while (reader.read(false));
        assert.equal(reader.last, written - 1, `overtaken ${times} times`);
      }
    } finally {
      RingMemory.prototype.fenceBeforeLoad = fenceBeforeLoad;
      rmSync(directory, { recursive: true });
    }
  }),
);
