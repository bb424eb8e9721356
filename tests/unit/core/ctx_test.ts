import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatEndpoint } from "../../../src/base/endpoint.ts";
import { ZmqError } from "../../../src/base/errors.ts";
import type { Binder } from "../../../src/core/binder.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { store } from "../../../src/memory/shared_access.ts";
import { THREAD } from "../../../src/memory/layout.ts";
import { Ctx, defaultCtxOptions } from "../../../src/core/ctx.ts";
import type { CorePlatform } from "../../../src/core/platform.ts";
import { WIRING } from "../../../src/wiring.ts";
import { leakFree } from "../../support/leaks.ts";
import { within } from "../../support/wait.ts";

/** What the context waits for workers that it believes to run, ms. */
const WORKER_STOP_MS = 5000;

describe("a connect", () => {
  test(
    "asks the binder what the endpoint's text does not show",
    leakFree(async () => {
      const spawned: string[] = [];
      const platform: CorePlatform = {
        ...WIRING.platform,
        spawnWorker: ({ role }) => {
          spawned.push(role);
          return { onExit: () => {}, terminate: () => {} };
        },
      };
      const binder: Binder = {
        protocols: ["ipc"],
        check: (endpoint) => {
          throw new ZmqError("ENAMETOOLONG", {
            message: `not ${formatEndpoint(endpoint)}`,
          });
        },
        listen: () => assert.fail("nobody binds"),
      };
      const ctx = Ctx.create(defaultCtxOptions(), {
        ...WIRING,
        platform,
        binders: [binder],
      });
      const socket = ctx.createSocket(SocketType.PULL);
      assert.throws(() => socket.connect("ipc://somewhere"), {
        code: "ENAMETOOLONG",
        message: /not ipc:\/\/somewhere/,
        address: "ipc://somewhere",
      });
      assert.equal(socket.endpointCount, 0);
      assert.deepEqual(spawned, []);
      ctx.closeAll();
      ctx.shutdown();
      await within(ctx.terminated(), "the end");
    }),
  );
});

describe("the workers of a context", () => {
  test(
    "are known one by one, also beyond the number of bits in a word",
    leakFree(async () => {
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
    }),
  );

  test(
    "a failure to start has its cause in the error of what follows",
    leakFree(async () => {
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
    }),
  );
});
