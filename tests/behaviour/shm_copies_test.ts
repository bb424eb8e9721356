// One copy in, no copy out, and no call of the system on the way.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { openLibc } from "../../ffi/libc.ts";
import { addressOf } from "../../ffi/mod.ts";
import { openSharedMemoryCalls } from "../../ffi/shared_memory_calls.ts";
import { RingMemory } from "../../src/shm/ring_memory.ts";
import { ShmConsumer, ShmProducer } from "../../src/shm_entry.ts";

const RECORDS = 1000;
const SLOT_BYTES = 4096;

/** Where this process has mapped a file, as the kernel says. */
function mappings(path: string): { from: number; to: number }[] {
  return readFileSync("/proc/self/maps", "utf8").split("\n")
    .filter((line) => line.endsWith(path))
    .map((line) => {
      const [from = "", to = ""] = line.split(/[- ]/);
      return { from: parseInt(from, 16), to: parseInt(to, 16) };
    });
}

type Functions = Record<string, (...args: unknown[]) => unknown>;

/** Calls of functions while `body` runs, by name. */
function counted(
  owners: readonly object[],
  body: () => void,
): Record<string, number> {
  const counts: Record<string, number> = {};
  const undo: (() => void)[] = [];
  for (const owner of owners as readonly Functions[]) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      const known = Object.getOwnPropertyDescriptor(owner, name);
      const original = known?.value as Functions[string] | undefined;
      if (typeof original !== "function" || name === "constructor") continue;
      Object.defineProperty(owner, name, {
        ...known,
        value: function (this: unknown, ...args: unknown[]): unknown {
          counts[name] = (counts[name] ?? 0) + 1;
          return original.apply(this, args);
        },
      });
      undo.push(() => Object.defineProperty(owner, name, known as object));
    }
  }
  try {
    body();
  } finally {
    for (const restore of undo) restore();
  }
  return counts;
}

/** A queue of this thread, with both of its ends. */
function withQueue(
  body: (producer: ShmProducer, consumer: ShmConsumer, path: string) => void,
): void {
  const name = `copies-${randomUUID()}`;
  const options = { slots: 64, slotSize: SLOT_BYTES };
  using producer = ShmProducer.create(name, options);
  using consumer = ShmConsumer.open(name);
  body(producer, consumer, `/dev/shm/purezmq.${name}.queue`);
}

/** All that copies bytes, in JavaScript and in C. */
const COPIES = ["set", "slice", "copyWithin", "memcpy", "memmove"];

/** How often bytes are copied while `body` runs, by whatever. */
function copiesOf(body: () => void): number {
  const typedArrays = Object.getPrototypeOf(Uint8Array.prototype);
  const owners = [typedArrays, ArrayBuffer.prototype, openLibc().call];
  const counts = counted(owners, body);
  return COPIES.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}

function systemCalls(): object[] {
  return [openLibc().call, openSharedMemoryCalls().calls];
}

describe("records in shared memory", () => {
  test("a claim and a view are the file's own memory", () => {
    withQueue((producer, consumer, path) => {
      const maps = mappings(path);
      assert.equal(maps.length, 2, "the producer's and the consumer's");
      const placeOf = (bytes: Uint8Array): { map: number; at: number } => {
        const address = addressOf(bytes);
        const map = maps.findIndex(({ from, to }) =>
          from <= address && address + bytes.length <= to
        );
        return { map, at: address - (maps[map]?.from ?? 0) };
      };
      for (let n = 0; n < 3; n += 1) {
        const claim = producer.claim(SLOT_BYTES);
        const written = placeOf(claim);
        claim.fill(n);
        producer.commit();
        const view = consumer.view();
        assert.ok(view !== null);
        const read = placeOf(view.bytes);
        // Two mappings of one place of the file.
        assert.notEqual(written.map, -1);
        assert.notEqual(read.map, -1);
        assert.notEqual(read.map, written.map);
        assert.equal(read.at, written.at);
        // What is written now is what the view shows: it is no copy.
        claim[7] = 99;
        assert.equal(view.bytes[7], 99);
        assert.equal(view.release(), true);
      }
    });
  });

  test("nothing else copies either: one in, and one for who wants it", () => {
    withQueue((producer, consumer) => {
      const record = new Uint8Array(SLOT_BYTES);
      const times = (action: () => void): number =>
        copiesOf(() => {
          for (let n = 0; n < RECORDS; n += 1) action();
        });
      const inPlace = times(() => {
        producer.claim(SLOT_BYTES)[0] = 1;
        producer.commit();
        consumer.view()?.release();
      });
      assert.equal(inPlace, 0);
      const written = times(() => {
        producer.write(record);
        consumer.view()?.release();
      });
      assert.equal(written, RECORDS);
      const read = times(() => {
        producer.write(record);
        consumer.readSync(0);
      });
      assert.equal(read, 2 * RECORDS);
    });
  });

  test("claim, commit and view copy nothing", () => {
    withQueue((producer, consumer) => {
      const counts = counted([RingMemory.prototype], () => {
        for (let n = 0; n < RECORDS; n += 1) {
          producer.claim(SLOT_BYTES)[0] = n;
          producer.commit();
          const view = consumer.view();
          assert.equal(view?.bytes[0], n & 0xff);
          assert.equal(view?.release(), true);
        }
      });
      assert.equal(counts["copyIn"] ?? 0, 0);
      assert.equal(counts["copyOut"] ?? 0, 0);
      assert.equal(counts["view"], 2 * RECORDS, "the way is watched");
    });
  });

  test("write and view copy once", () => {
    withQueue((producer, consumer) => {
      const record = new Uint8Array(SLOT_BYTES);
      const counts = counted([RingMemory.prototype], () => {
        for (let n = 0; n < RECORDS; n += 1) {
          producer.write(record);
          assert.equal(consumer.view()?.release(), true);
        }
      });
      assert.equal(counts["copyIn"], RECORDS);
      assert.equal(counts["copyOut"] ?? 0, 0);
    });
  });

  test("claim, commit and view make no call of the system", () => {
    withQueue((producer, consumer) => {
      const used = (action: () => void): Record<string, number> =>
        counted(systemCalls(), action);
      const counts = used(() => {
        for (let n = 0; n < RECORDS; n += 1) {
          producer.claim(SLOT_BYTES)[0] = n;
          producer.commit();
          assert.equal(consumer.view()?.release(), true);
        }
      });
      assert.deepEqual(counts, {});
      // Who looks at an empty ring asks for the time, and whether the producer
      // lives.
      const empty = used(() => assert.equal(consumer.view(), null));
      assert.ok((empty["clock_gettime"] ?? 0) > 0, "the calls are watched");
    });
  });
});
