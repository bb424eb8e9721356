import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SocketType } from "../../../src/base/socket_type.ts";
import { store } from "../../../src/memory/shared_access.ts";
import { THREAD } from "../../../src/memory/layout.ts";
import { Ctx, defaultCtxOptions } from "../../../src/core/ctx.ts";
import type { CorePlatform } from "../../../src/core/platform.ts";
import { WIRING } from "../../../src/wiring.ts";
import { within } from "../../support/wait.ts";

/** What the context waits for workers that it believes to run, ms. */
const WORKER_STOP_MS = 5000;

describe("the workers of a context", () => {
  test("are known one by one, also beyond the number of bits in a word", async () => {
    const started: number[] = [];
    const platform: CorePlatform = {
      ...WIRING.platform,
      spawnWorker: ({ slot }) => {
        if (slot === 36) throw new Error("the system has no thread left");
        started.push(slot);
        // It came up, and has left in good order.
        const { control } = ctx.thread;
        const record = control.layout.thread(slot);
        store(control.words, record + THREAD.TID, platform.gettid());
        store(control.words, record + THREAD.LOAD, -1);
        return {
          onExit: (callback) => queueMicrotask(() => callback(null)),
          terminate: () => {},
        };
      },
    };
    const options = { ...defaultCtxOptions(), ioThreads: 40 };
    const ctx: Ctx = Ctx.create(options, { ...WIRING, platform });
    assert.throws(() => ctx.needIoThreads(), /no thread left/);
    assert.equal(started.length, 35);
    const start = performance.now();
    ctx.closeAll();
    ctx.shutdown();
    await within(ctx.terminated(), "the end");
    const took = performance.now() - start;
    assert.ok(took < WORKER_STOP_MS, `nobody else is waited for: ${took} ms`);
  });

  test("a failure to start has its cause in the error of what follows", async () => {
    const died: ((error: Error | null) => void)[] = [];
    const platform: CorePlatform = {
      ...WIRING.platform,
      spawnWorker: () => ({
        onExit: (callback) => died.push(callback),
        terminate: () => {},
      }),
    };
    const ctx = Ctx.create(defaultCtxOptions(), { ...WIRING, platform });
    ctx.needIoThreads();
    const url = "/copy/src/io_thread_entry.ts";
    died[0]?.(new TypeError(`Requires read access to "${url}", run again`));
    const error = {
      code: "EOWNERDEAD",
      message:
        /I\/O worker 0 died of TypeError: Requires read access .* --allow-read=\/copy beside --allow-ffi\); make/,
    };
    assert.throws(() => ctx.createSocket(SocketType.PULL), error);
    await assert.rejects(() => ctx.terminated(), error);
  });
});
