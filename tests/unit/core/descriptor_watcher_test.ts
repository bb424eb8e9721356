import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MessagePipe } from "../../../ffi/mod.ts";
import {
  runDescriptorWatcher,
  type WatcherData,
  WatcherStop,
  WatcherWord,
} from "../../../src/core/descriptor_watcher.ts";
import { store } from "../../../src/memory/shared_access.ts";
import { leakFree } from "../../support/leaks.ts";

/** A kernel thread id that nobody has: ids end far below. */
const NOBODY = 0x7ffffff0;

function data(stop: number): { data: WatcherData; words: Int32Array } {
  const { near, far } = MessagePipe.open();
  near.close();
  const words = new Int32Array(new SharedArrayBuffer(4 * WatcherWord.COUNT));
  store(words, WatcherWord.STOP, stop);
  const shared = words.buffer as SharedArrayBuffer;
  return {
    data: { role: "watcher", port: far, words: shared, ownerTid: NOBODY },
    words,
  };
}

describe("descriptor watcher", () => {
  test(
    "ends with its owner, though nobody tells it to",
    leakFree(() => {
      const start = performance.now();
      const { data: task, words } = data(WatcherStop.NO);
      runDescriptorWatcher(task);
      assert.ok(performance.now() - start < 10_000);
      assert.equal(words[WatcherWord.WAKE_FD], 0);
      assert.equal(words[WatcherWord.STOP], WatcherStop.GONE);
    }),
  );

  test(
    "ends at once when that was asked for before it started",
    leakFree(() => {
      const start = performance.now();
      const { data: task, words } = data(WatcherStop.LEFT);
      runDescriptorWatcher(task);
      assert.ok(performance.now() - start < 1000);
      assert.equal(words[WatcherWord.WAKE_FD], 0);
      assert.equal(words[WatcherWord.STOP], WatcherStop.GONE);
    }),
  );
});
