// The locks of a queue whose consumers wait for records by them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  releaseRecordLock,
  tryRecordLock,
  waitForRecordLock,
} from "../../../ffi/mod.ts";
import { fromBigInt } from "../../../src/shm/position.ts";
import {
  lifeRange,
  QueueLocks,
  recordOffset,
  recordRange,
  recordsRange,
} from "../../../src/shm/queue_locks.ts";
import { queuePaths } from "../../../src/shm/queue_names.ts";
import { ShmProducer } from "../../../src/shm_entry.ts";
import { leakFree } from "../../support/leaks.ts";

const NAME = "locks";

/** A queue whose first record has that number, and others' view of its locks. */
function withLocks(
  firstSequence: bigint,
  body: (producer: ShmProducer, locks: readonly QueueLocks[]) => void,
): void {
  const directory = mkdtempSync(join(tmpdir(), "purezmq-locks-"));
  const producer = ShmProducer.create(NAME, {
    directory,
    slots: 8,
    slotSize: 8,
    waiting: "record-lock",
    firstSequence,
  });
  const paths = queuePaths(NAME, directory);
  const locks = [1, 2].map(() => QueueLocks.open(paths, "existing"));
  try {
    body(producer, locks);
  } finally {
    for (const each of locks) each.close();
    producer.close();
    rmSync(directory, { recursive: true });
  }
}

for (const first of [0n, 2n ** 24n - 5n, 2n ** 32n - 5n, 2n ** 40n - 5n]) {
  test(
    `the newest position is that of the lock that is held, from ${first} on`,
    leakFree(() => {
      withLocks(first, (producer, [locks]) => {
        const { epoch } = producer;
        for (let n = 0n; n < 12n; n += 1n) {
          const { block, low } = fromBigInt(first + n);
          const found = locks?.find(recordsRange(epoch));
          assert.equal(found, recordOffset(block, low), `after ${n} records`);
          assert.equal(locks?.isHeld(recordRange(epoch, block, low)), true);
          producer.write(new Uint8Array(8));
          assert.equal(locks?.isHeld(recordRange(epoch, block, low)), false);
        }
      });
    }),
  );
}

test(
  "consumers' locks stand beside each other, and are not the producer's",
  leakFree(() => {
    withLocks(0n, (producer, [one, two]) => {
      const { epoch } = producer;
      assert.ok(one !== undefined && two !== undefined);
      producer.write(new Uint8Array(8));
      const written = recordRange(epoch, 0, 0);
      assert.equal(waitForRecordLock(one.fd, "shared", written), 0);
      // Would never come back if they stood in each other's way.
      assert.equal(waitForRecordLock(two.fd, "shared", written), 0);
      assert.equal(two.find(written), null);
      assert.equal(two.find(recordsRange(epoch)), 1, "the producer's alone");
      assert.equal(two.isHeld(lifeRange(epoch)), true);
      const next = recordRange(epoch, 0, 1);
      assert.ok(tryRecordLock(one.fd, "shared", next) < 0, "it is to come");
      for (const { fd } of [one, two]) releaseRecordLock(fd, written);
    });
  }),
);
