import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  addFileWatch,
  closeFd,
  errnoNumber,
  FileEvents,
  host,
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_IGNORED,
  openFileWatcher,
  openForEvents,
  removeFileWatch,
} from "../../../ffi/mod.ts";
import * as fileWatch from "../../../ffi/file_watch.ts";
import { testUnless } from "../../support/skip.ts";
import { runC } from "./run_script.ts";

const obstacle = host.os === "linux" ? null : "inotify is Linux'";

function inFolder(body: (folder: string, fd: number) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
    const fd = openFileWatcher();
    assert.ok(fd >= 0);
    try {
      body(folder, fd);
    } finally {
      closeFd(fd);
      rmSync(folder, { recursive: true });
    }
  };
}

testUnless(
  obstacle,
  "events of all lengths are taken apart",
  inFolder((folder, fd) => {
    const watch = addFileWatch(fd, folder, IN_CREATE | IN_DELETE);
    assert.ok(watch > 0);
    // Names are padded: these have every remainder, up to the longest.
    const names = [..."123456789abcdefghi"].map((_, n, all) =>
      all.slice(0, n + 1).join("")
    );
    names.push("n".repeat(255), "ü€🙂");
    for (const name of names) writeFileSync(join(folder, name), "");
    const events = new FileEvents();
    const found: string[] = [];
    const length = events.read(fd);
    events.forEach(length, (from, mask, name) => {
      assert.equal(from, watch);
      assert.equal(mask, IN_CREATE);
      found.push(name);
    });
    assert.deepEqual(found, names);
    assert.equal(events.read(fd), -errnoNumber("EAGAIN"));
  }),
);

testUnless(
  obstacle,
  "a short buffer takes the events one after the other",
  inFolder((folder, fd) => {
    addFileWatch(fd, folder, IN_CREATE);
    for (let n = 0; n < 10; n++) writeFileSync(join(folder, `file${n}`), "");
    const events = new FileEvents(64);
    let count = 0;
    for (;;) {
      const length = events.read(fd);
      if (length < 0) break;
      events.forEach(length, (_watch, _mask, name) => {
        assert.equal(name, `file${count++}`);
      });
    }
    assert.equal(count, 10);
    assert.equal(
      new FileEvents(8).read(fd),
      -errnoNumber("EAGAIN"),
      "nothing is left",
    );
  }),
);

testUnless(
  obstacle,
  "a watch that is removed says so",
  inFolder((folder, fd) => {
    const watch = addFileWatch(fd, folder, IN_ATTRIB);
    assert.equal(addFileWatch(fd, folder, IN_ATTRIB), watch, "one per file");
    assert.equal(removeFileWatch(fd, watch), 0);
    assert.equal(removeFileWatch(fd, watch), -errnoNumber("EINVAL"));
    const events = new FileEvents();
    let bits = 0;
    events.forEach(events.read(fd), (_watch, mask, name) => {
      bits |= mask;
      assert.equal(name, "");
    });
    assert.equal(bits, IN_IGNORED);
  }),
);

testUnless(
  obstacle,
  "what is not there cannot be watched",
  inFolder((folder, fd) => {
    const path = join(folder, "nothing");
    assert.equal(addFileWatch(fd, path, IN_ATTRIB), -errnoNumber("ENOENT"));
    assert.equal(openForEvents(path), -errnoNumber("ENOENT"));
  }),
);

test("a directory can be opened for its events", () => {
  const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
  mkdirSync(join(folder, "below"));
  const fd = openForEvents(join(folder, "below"));
  assert.ok(fd >= 0);
  closeFd(fd);
  rmSync(folder, { recursive: true });
});

const noCompiler = runC("int main(void) { return 0; }") === null
  ? "this machine has no C compiler"
  : null;

testUnless(obstacle ?? noCompiler, "bits are those of the C header", () => {
  const names = Object.keys(fileWatch).filter((name) => name.startsWith("IN_"));
  const prints = names
    .map((name) => `printf("${name} %d\\n", (int)${name});`).join("\n");
  const actual = runC(
    `#include <stdio.h>\n#include <sys/inotify.h>\nint main(void) {${prints}}`,
  );
  for (const name of names) {
    const value = (fileWatch as unknown as Record<string, number>)[name];
    assert.equal(value, actual?.get(name), name);
  }
});
