import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { besideThis, resolveWorkerUrl } from "../../src/worker_platform.ts";

describe("the module that workers start from", () => {
  test("lies beside the platform, compiled or not", () => {
    for (
      const [url, entry] of [
        [
          "file:///a/src/worker_platform.ts",
          "file:///a/src/io_thread_entry.ts",
        ],
        [
          "file:///a/src/worker_platform.js",
          "file:///a/src/io_thread_entry.js",
        ],
        [
          "https://jsr.io/@purezmq/zmq/0.1.0/src/worker_platform.ts",
          "https://jsr.io/@purezmq/zmq/0.1.0/src/io_thread_entry.ts",
        ],
      ] as const
    ) assert.equal(besideThis(url), entry);
  });

  test("is nowhere when a bundle has renamed that module", () => {
    for (
      const url of [
        "file:///a/main.js",
        "file:///a/other_worker_platform.js",
        "file:///a/worker_platform.js/main.js",
        "file:///$bunfs/root/app",
        "file:///a/io_thread_entry.js",
      ]
    ) assert.equal(besideThis(url), null, url);
  });

  test("is what the context says, else the one beside, else an error", () => {
    assert.equal(resolveWorkerUrl("data:,x"), "data:,x");
    assert.equal(resolveWorkerUrl("data:,x", null), "data:,x");
    assert.equal(resolveWorkerUrl(null, "data:,y"), "data:,y");
    assert.match(resolveWorkerUrl(null), /\/src\/io_thread_entry\.ts$/);
    assert.throws(() => resolveWorkerUrl(null, null), {
      name: "ZmqError",
      code: "ENOTSUP",
      message: /bundled.*"io-thread-entry".*workerUrl/,
    });
  });
});
