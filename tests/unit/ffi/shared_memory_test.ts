// Files that are mapped, and futexes in them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  allocateFile,
  closeFd,
  errnoNumber,
  futexWait,
  futexWake,
  hasFileBytes,
  host,
  mapFile,
  memoryPageSize,
  monotonicMs,
  openSharedFile,
  readFileStart,
  retireMapping,
  unmapMemory,
  viewAt,
  word,
} from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";

const noLinux = host.os === "linux" ? null : "queues in shared memory only";
const errno = (name: string): number => -errnoNumber(name);

function withFile(body: (fd: number, path: string, page: number) => void) {
  const directory = mkdtempSync(join(tmpdir(), "purezmq-map-"));
  const path = join(directory, "memory");
  const fd = openSharedFile(path, "new");
  try {
    body(fd, path, memoryPageSize());
  } finally {
    closeFd(fd);
    rmSync(directory, { recursive: true });
  }
}

testUnless(noLinux, "two mappings of a file are the same memory", () => {
  withFile((fd, path, page) => {
    assert.equal(allocateFile(fd, 2 * page), 0);
    const other = openSharedFile(path, "existing");
    const addresses = [mapFile(fd, 2 * page), mapFile(other, page)];
    const [one, two] = addresses.map((at) => viewAt(at, page)) as [
      Uint8Array,
      Uint8Array,
    ];
    one[7] = 42;
    assert.equal(two[7], 42);
    const start = new Uint8Array(8);
    assert.equal(readFileStart(fd, start), 8);
    assert.equal(start[7], 42);
    assert.equal(unmapMemory(addresses[1] as number, page), 0);
    assert.equal(unmapMemory(addresses[0] as number, 2 * page), 0);
    closeFd(other);
  });
});

testUnless(noLinux, "views of a retired mapping see zeros", () => {
  withFile((fd, path, page) => {
    allocateFile(fd, page);
    const address = mapFile(fd, page);
    const view = viewAt(address, page);
    view[3] = 1;
    truncateSync(path, 0);
    // Would be a SIGBUS before.
    assert.equal(retireMapping(address, page), 0);
    assert.equal(view[3], 0);
    view[3] = 9;
    assert.equal(hasFileBytes(fd, 1), false);
    assert.equal(unmapMemory(address, page), 0);
  });
});

testUnless(noLinux, "a file's size is told from too small a one", () => {
  withFile((fd, path, page) => {
    assert.equal(hasFileBytes(fd, 0), true);
    assert.equal(hasFileBytes(fd, 1), false);
    assert.equal(allocateFile(fd, page), 0);
    assert.equal(hasFileBytes(fd, page), true);
    assert.equal(hasFileBytes(fd, page + 1), false);
    // Sizes that do not fit into the call's 32 bits.
    for (const size of [2 ** 31, 2 ** 32 - 1, 2 ** 32 + 1]) {
      truncateSync(path, size);
      assert.equal(hasFileBytes(fd, 2 ** 31 - 1), true, `${size} bytes`);
    }
    assert.equal(hasFileBytes(-1, 1), false);
  });
});

testUnless(noLinux, "what cannot be mapped is a negative errno", () => {
  assert.equal(mapFile(-1, 4096), errno("EBADF"));
  assert.equal(allocateFile(-1, 4096), errno("EBADF"));
  withFile((fd, path) => {
    assert.equal(mapFile(fd, 0), errno("EINVAL"));
    assert.equal(allocateFile(fd, 0), errno("EINVAL"));
    assert.equal(openSharedFile(path, "new"), errno("EEXIST"));
    assert.equal(openSharedFile(`${path}.no`, "existing"), errno("ENOENT"));
  });
});

testUnless(noLinux, "a futex sleeps while its word is what is expected", () => {
  withFile((fd, _path, page) => {
    allocateFile(fd, page);
    const address = mapFile(fd, page);
    const words = new Int32Array(viewAt(address, page).buffer, 0, 4);
    words[1] = -5;
    const at = word(address + 4);
    assert.equal(futexWait(at, 0, 1000), errno("EAGAIN"));
    const start = monotonicMs();
    assert.equal(futexWait(at, -5, 20), errno("ETIMEDOUT"));
    const elapsed = monotonicMs() - start;
    assert.ok(elapsed >= 19.9, `${elapsed} ms`);
    assert.equal(futexWait(at, -5, 0), errno("ETIMEDOUT"));
    assert.equal(futexWake(at), 0, "nobody sleeps");
    assert.equal(futexWake(word(address + 1)), errno("EINVAL"));
    assert.equal(unmapMemory(address, page), 0);
  });
});
