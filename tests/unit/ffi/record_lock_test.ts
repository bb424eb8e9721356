import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  closeFd,
  errnoNumber,
  findRecordLock,
  host,
  type LockRange,
  openSharedFile,
  releaseRecordLock,
  tryRecordLock,
  waitForRecordLock,
} from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";

const noLinux = host.os === "linux" ? null : "record locks of open files only";
const EAGAIN = -errnoNumber("EAGAIN");

/** Two descriptions of one file, as two processes have them. */
function withFile(body: (one: number, other: number) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "purezmq-lock-"));
  const path = join(directory, "locks");
  const one = openSharedFile(path, "new");
  const other = openSharedFile(path, "existing");
  try {
    assert.ok(one >= 0 && other >= 0);
    body(one, other);
  } finally {
    closeFd(one);
    closeFd(other);
    rmSync(directory, { recursive: true });
  }
}

function range(startHigh: number, startLow: number, length = 1): LockRange {
  return { startHigh, startLow, length };
}

testUnless(
  noLinux,
  "an exclusive lock stands alone, shared ones do not",
  () => {
    withFile((one, other) => {
      const at = range(0, 5);
      assert.equal(tryRecordLock(one, "shared", at), 0);
      assert.equal(tryRecordLock(other, "shared", at), 0);
      assert.equal(tryRecordLock(one, "exclusive", at), EAGAIN);
      assert.equal(releaseRecordLock(other, at), 0);
      assert.equal(tryRecordLock(one, "exclusive", at), 0);
      assert.equal(tryRecordLock(other, "shared", at), EAGAIN);
      assert.equal(tryRecordLock(other, "shared", range(0, 6)), 0);
    });
  },
);

testUnless(noLinux, "ranges use all 63 bits of a file's offsets", () => {
  withFile((one, other) => {
    // The lower word is signed as a number, unsigned as an offset.
    const high = range(2 ** 30 + 3, -1);
    assert.equal(tryRecordLock(one, "exclusive", high), 0);
    assert.equal(tryRecordLock(other, "exclusive", high), EAGAIN);
    assert.equal(tryRecordLock(other, "exclusive", range(3, -1)), 0);
    assert.equal(tryRecordLock(other, "exclusive", range(2 ** 30 + 3, -2)), 0);
    const far = range(2 ** 30 + 4, 0);
    assert.equal(tryRecordLock(other, "exclusive", far), 0);
  });
});

testUnless(noLinux, "a lock is found, as its distance from the start", () => {
  withFile((one, other) => {
    const all = range(2 ** 30, 0, 2 ** 40);
    assert.equal(findRecordLock(other, all), null);
    assert.equal(tryRecordLock(one, "exclusive", range(2 ** 30 + 2, 9)), 0);
    assert.equal(findRecordLock(other, all), 2 * 2 ** 32 + 9);
    assert.equal(findRecordLock(one, all), null, "its own is none");
    assert.equal(findRecordLock(other, range(2 ** 30 + 2, 9, 5)), 0);
    releaseRecordLock(one, all);
    assert.equal(tryRecordLock(one, "shared", range(2 ** 30 + 2, 9)), 0);
    assert.equal(findRecordLock(other, all), null, "nor is a shared one");
  });
});

testUnless(noLinux, "locks go with their description", () => {
  withFile((one, other) => {
    const at = range(0, 1);
    assert.equal(tryRecordLock(one, "exclusive", at), 0);
    const directoryEntry = `/proc/self/fd/${other}`;
    // Another descriptor of the file, closed: classic locks would be gone.
    const third = openSharedFile(directoryEntry, "existing");
    if (third >= 0) closeFd(third);
    assert.equal(tryRecordLock(other, "shared", at), EAGAIN);
    closeFd(one);
    assert.equal(waitForRecordLock(other, "shared", at), 0);
  });
});

testUnless(noLinux, "what cannot be locked is a negative errno", () => {
  const EBADF = -errnoNumber("EBADF");
  const at = range(0, 0);
  assert.equal(tryRecordLock(-1, "shared", at), EBADF);
  assert.equal(waitForRecordLock(-1, "exclusive", at), EBADF);
  assert.equal(releaseRecordLock(-1, at), EBADF);
  assert.equal(findRecordLock(-1, at), EBADF);
});
