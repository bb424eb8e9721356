// Mapped files that are cut.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import {
  allocateFile,
  closeFd,
  GUARD_ROWS,
  host,
  mapFile,
  memoryPageSize,
  openSharedFile,
  unmapMemory,
  viewAt,
} from "../../../ffi/mod.ts";
import {
  type GuardedMemory,
  guardMemory,
} from "../../../src/memory/guarded_memory.ts";
import { guardRowAddress, isLost } from "../../support/guard_row.ts";
import { testUnless } from "../../support/skip.ts";
import { TestWorker } from "../../support/worker.ts";

const noLinux = host.os === "linux" ? null : "mapped files of Linux only";
const PAGES = 4;

function withMappings(
  count: number,
  body: (path: string, addresses: number[], page: number) => void,
): void {
  const directory = mkdtempSync(join(tmpdir(), "purezmq-guard-"));
  const path = join(directory, "memory");
  const fd = openSharedFile(path, "new");
  const page = memoryPageSize();
  const bytes = PAGES * page;
  assert.equal(allocateFile(fd, bytes), 0);
  const addresses = Array.from({ length: count }, () => mapFile(fd, bytes));
  try {
    body(path, addresses, page);
  } finally {
    for (const address of addresses) unmapMemory(address, bytes);
    closeFd(fd);
    rmSync(directory, { recursive: true });
  }
}

function guarded(address: number, length: number): GuardedMemory {
  const guard = guardMemory(address, length);
  assert.ok(guard !== null, "there is no guard");
  return guard;
}

describe("a fault guard", () => {
  testUnless(noLinux, "puts zeros where a file was cut, and says so", () => {
    withMappings(1, (path, [address = 0], page) => {
      const guard = guarded(address, PAGES * page);
      const bytes = viewAt(address, PAGES * page).fill(7);
      truncateSync(path, page);
      assert.equal(bytes[0], 7);
      assert.equal(isLost(address), false, "what is there is no fault");
      assert.equal(bytes[2 * page], 0);
      assert.equal(isLost(address), true);
      assert.ok(bytes.every((byte) => byte === 0), "all of it is gone");
      // It is memory of this process now, to write as well.
      bytes[3 * page] = 9;
      assert.equal(bytes[3 * page], 9);
      guard.release();
    });
  });

  testUnless(noLinux, "survives writes, and copies by C", () => {
    withMappings(2, (path, [one = 0, two = 0], page) => {
      const guards = [guarded(one, PAGES * page), guarded(two, PAGES * page)];
      truncateSync(path, 0);
      viewAt(one, PAGES * page)[5] = 5;
      assert.deepEqual([one, two].map(isLost), [true, false]);
      const target = new Uint8Array(PAGES * page).fill(1);
      target.set(viewAt(two, PAGES * page));
      assert.ok(target.every((byte) => byte === 0));
      assert.equal(isLost(two), true);
      for (const guard of guards) guard.release();
    });
  });

  testUnless(noLinux, "keeps to a row's first and last byte", () => {
    withMappings(1, (path, [address = 0], page) => {
      const places = [0, 1, 2, 3].map((n) => address + n * page);
      const rows = places.map((place) => guarded(place, page));
      truncateSync(path, 0);
      const lost = (): boolean[] => places.map(isLost);
      const bytes = viewAt(address, PAGES * page);
      assert.equal(bytes[2 * page - 1], 0);
      assert.deepEqual(lost(), [false, true, false, false]);
      assert.equal(bytes[2 * page], 0);
      assert.deepEqual(lost(), [false, true, true, false]);
      for (const row of rows) row.release();
    });
  });

  testUnless(noLinux, "has room for 1024, and for others afterwards", () => {
    withMappings(1, (path, [address = 0], page) => {
      const taken: GuardedMemory[] = [];
      // Far from anything: none of them is ever touched.
      const elsewhere = 2 ** 46;
      for (;;) {
        const guard = guardMemory(elsewhere + taken.length, 1);
        if (guard === null) break;
        taken.push(guard);
      }
      assert.ok(taken.length > 1000 && taken.length <= GUARD_ROWS);
      taken.pop()?.release();
      const guard = guarded(address, PAGES * page);
      assert.equal(guardMemory(elsewhere, 1), null);
      truncateSync(path, 0);
      assert.equal(viewAt(address, 8)[0], 0);
      assert.equal(isLost(address), true);
      for (const other of [...taken, guard]) other.release();
      // A row that is used again begins anew.
      const next = guarded(address, page);
      assert.equal(isLost(address), false);
      next.release();
    });
  });

  testUnless(noLinux, "is one for all threads, and outlives each", async () => {
    const mine = guarded(2 ** 46, 1);
    const worker = new TestWorker("guard_worker.ts", null);
    const theirs = await worker.said<number>("its row");
    await worker.ended();
    const distance = Math.abs(theirs - guardRowAddress(2 ** 46));
    assert.ok(distance > 0 && distance < 2 ** 15, `${distance} bytes apart`);
    withMappings(1, (path, [address = 0], page) => {
      const guard = guarded(address, page);
      truncateSync(path, 0);
      assert.equal(viewAt(address, 8)[0], 0);
      assert.equal(isLost(address), true);
      guard.release();
    });
    mine.release();
  });
});
