import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ThreadContexts } from "../../../src/api/thread_contexts.ts";
import { ZmqError } from "../../../src/base/errors.ts";
import { defaultCtxOptions } from "../../../src/core/ctx_options.ts";
import { FakeCtx } from "../../support/fake_core.ts";

// What an exiting program prints is tested with real programs; here, nobody
// has to wait.
function patient(): FakeCtx {
  const ctx = new FakeCtx(defaultCtxOptions());
  ctx.waitTerminated = (timeoutMs) => {
    ctx.calls.push(timeoutMs > 0 && timeoutMs <= 500 ? "wait" : "forever");
    return true;
  };
  return ctx;
}

describe("the end of a thread", () => {
  test("closes all contexts, then waits for each", () => {
    const contexts = new ThreadContexts();
    const first = patient();
    const second = patient();
    const owner = {};
    first.closeAll = () => {
      first.calls.push("closeAll");
      assert.deepEqual(second.calls, []);
    };
    second.closeAll = () => {
      second.calls.push("closeAll");
      assert.deepEqual(first.calls, ["closeAll"]);
    };
    contexts.add(owner, first.asCtx, true);
    contexts.add(owner, second.asCtx, true);
    contexts.drain();
    assert.deepEqual(first.calls, ["closeAll", "wait"]);
    assert.deepEqual(second.calls, ["closeAll", "wait"]);
    contexts.drain();
    assert.equal(first.calls.length, 2);
  });

  test("does not wait for a context of another thread", () => {
    const contexts = new ThreadContexts();
    const ctx = patient();
    contexts.add({}, ctx.asCtx, false);
    contexts.drain();
    assert.deepEqual(ctx.calls, ["closeAll"]);
  });

  test("does not care for contexts that terminated before", () => {
    const contexts = new ThreadContexts();
    const ctx = patient();
    contexts.remove(contexts.add({}, ctx.asCtx, true));
    contexts.drain();
    assert.deepEqual(ctx.calls, []);
  });

  test("goes on when a context has failed", () => {
    const contexts = new ThreadContexts();
    const failed = patient();
    const healthy = patient();
    failed.closeAll = failed.waitTerminated = () => {
      throw new ZmqError("EOWNERDEAD");
    };
    const owner = {};
    contexts.add(owner, failed.asCtx, true);
    contexts.add(owner, healthy.asCtx, true);
    contexts.drain();
    assert.deepEqual(healthy.calls, ["closeAll", "wait"]);
  });
});
