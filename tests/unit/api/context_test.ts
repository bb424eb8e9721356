import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import { Context, contextOver, isContext } from "../../../src/api/context.ts";
import { Dealer, Pull, Push } from "../../../src/api/sockets.ts";
import { defaultCtxOptions } from "../../../src/core/ctx_options.ts";
import { FakeCtx, FakeSocketBase } from "../../support/fake_core.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

function fake(): { ctx: FakeCtx; context: Context } {
  const ctx = new FakeCtx(defaultCtxOptions());
  return { ctx, context: contextOver(ctx.asCtx) };
}

describe("making a context", () => {
  test("takes options by the names of the properties", () => {
    const context = new Context({ ioThreads: 5, ipv6: true, blocky: false });
    assert.equal(context.ioThreads, 5);
    assert.equal(context.ipv6, true);
    assert.equal(context.blocky, false);
    assert.equal(new Context().ioThreads, 1);
  });

  test("has zeromq.js's defaults", () => {
    const context = new Context();
    assert.equal(context.maxSockets, 1023);
    assert.equal(context.maxSocketsLimit, 65535);
    assert.equal(context.maxMessageSize, 2147483647);
    assert.equal(context.ipv6, false);
    assert.equal(context.blocky, true);
    assert.equal(context.memoryLimit, 0);
    assert.equal(context.workerUrl, null);
  });

  test("refuses what is no set of options", () => {
    const make = Context as unknown as new (...args: unknown[]) => Context;
    const wrong = { name: "TypeError", message: "Options must be an object" };
    assert.throws(() => new make(1), wrong);
    assert.throws(() => new make(null), wrong);
    assert.throws(() => new make({}, 2), {
      name: "TypeError",
      message: "Expected 1 argument but received 2",
    });
    assert.throws(() => new make({ doesNotExist: 1 }), TypeError);
    assert.throws(() => new make({ maxSocketsLimit: 1 }), TypeError);
    assert.throws(() => new make({ ioThreads: "hello" }), {
      name: "TypeError",
      message: "Option value must be a number",
    });
    assert.throws(() => new make({ ipv6: 1 }), {
      name: "TypeError",
      message: "Option value must be a boolean",
    });
    assert.throws(() => (Context as unknown as () => void)(), TypeError);
  });

  test("refuses values out of bounds, and keeps the old ones", () => {
    const context = new Context();
    const invalid = { code: "EINVAL", message: "Invalid argument" };
    assert.throws(() => context.ioThreads = -1, invalid);
    assert.throws(() => context.maxSockets = 0, invalid);
    assert.throws(() => context.memoryLimit = -1, invalid);
    assert.throws(() => context.memoryLimit = 2 ** 39, invalid);
    assert.throws(() => context.inlineMessageMax = 65001, invalid);
    assert.throws(() => context.maxConnections = 0, invalid);
    assert.throws(() => context.workerUrl = "no url", TypeError);
    assert.throws(() => context.threadPriority = 1, { code: "ENOTSUP" });
    assert.throws(() => context.threadSchedulingPolicy = 1, {
      code: "ENOTSUP",
    });
    assert.equal(context.ioThreads, 1);
    assert.equal(context.maxSockets, 1023);
    context.workerUrl = new URL("https://example.org/worker.js");
    assert.equal(context.workerUrl, "https://example.org/worker.js");
  });
});

describe("a context", () => {
  test("is sealed", () => {
    const context = new Context() as unknown as Record<string, unknown>;
    assert.throws(() => context["doesNotExist"] = 1, TypeError);
    assert.deepEqual(Object.keys(context), []);
  });

  test("is told from other objects", () => {
    assert.equal(isContext(new Context()), true);
    for (const other of [{}, null, undefined, 1, Context]) {
      assert.equal(isContext(other), false);
    }
  });

  test("has its options by number, too", () => {
    const context = new Context();
    context.setBoolOption(42, true);
    assert.equal(context.ipv6, true);
    assert.equal(context.getBoolOption(42), true);
    assert.equal(context.getInt32Option(42), 1);
    context.setInt32Option(1, 3);
    assert.equal(context.getInt32Option(1), 3);
    assert.equal(context.getInt32Option(3), 65535);
    assert.throws(() => context.getInt32Option(99), { code: "EINVAL" });
    assert.throws(() => context.setInt32Option(99, 1), { code: "EINVAL" });
    assert.throws(() => context.setInt32Option(42, 2), { code: "EINVAL" });
    assert.throws(() => context.setBoolOption(42, 1 as never), TypeError);
    assert.throws(() => context.setInt32Option(1, "1" as never), TypeError);
  });

  test("warns of options that come too late", () => {
    const { context } = fake();
    const warnings: unknown[] = [];
    const emit = process.emitWarning;
    process.emitWarning = (warning: string | Error) => {
      warnings.push(warning);
    };
    try {
      context.ipv6 = true;
      context.maxMessageSize = 10;
      assert.deepEqual(warnings, []);
      context.ioThreads = 2;
      assert.equal(context.ioThreads, 1);
    } finally {
      process.emitWarning = emit;
    }
    assert.deepEqual(warnings, [
      "Context option has no effect once the context is in use.",
    ]);
  });

  test("checks what messages are made of", () => {
    const { context } = fake();
    assert.throws(() => context.allocate(-1), { code: "EINVAL" });
    assert.throws(() => context.allocate(1.5), { code: "EINVAL" });
    assert.throws(() => context.allocate("1" as never), TypeError);
    assert.throws(() => context.allocateUnsafe(-1), { code: "EINVAL" });
    assert.throws(() => context.allocateUnsafe(1.5), { code: "EINVAL" });
    assert.throws(() => context.allocateUnsafe("1" as never), TypeError);
    assert.throws(() => context.wrap("x" as never), TypeError);
    assert.throws(
      () => context.wrap(new Uint8Array(1), 1 as never),
      TypeError,
    );
  });

  test("adopts a socket that was detached", () => {
    const { ctx, context } = fake();
    const detached = new Push({ context });
    const handle = detached.detach();
    assert.equal(detached.closed, true);
    const adopted = context.adopt(handle, Push);
    assert.ok(adopted instanceof Push);
    assert.equal(adopted.context, context);
    adopted.trySend("x");
    assert.deepEqual(ctx.sockets[0]?.sent, [["x"]]);
  });

  test("refuses to adopt a socket as one of another class", () => {
    const { context } = fake();
    const base = new FakeSocketBase(SocketType.PUSH, true);
    const handle = base.detach();
    assert.throws(() => context.adopt(handle, Pull), { code: "EINVAL" });
    assert.throws(() => context.adopt(5 as never, Pull), TypeError);
    const push = context.adopt(handle, Push);
    assert.equal(push.type, SocketType.PUSH);
  });
});

describe("ending a context", () => {
  test("closes its sockets and waits for the kernel", async () => {
    const { ctx, context } = fake();
    const socket = new Dealer({ context });
    const receiving = socket.receive();
    const ended = context.terminate();
    assert.equal(context.terminate(), ended);
    await assert.rejects(receiving, { code: "EAGAIN" });
    assert.equal(socket.closed, true);
    await Promise.resolve();
    assert.deepEqual(ctx.calls, ["closeAll", "shutdown", "terminated"]);
    assert.equal(ctx.sockets[0]?.closed, true);
    ctx.finish();
    assert.equal(await ended, undefined);
    assert.throws(() => new Dealer({ context }), { code: "ETERM" });
    assert.throws(() => context.handle, { code: "ETERM" });
  });

  test("waits for a bind that is under way", async () => {
    const { ctx, context } = fake();
    const socket = new Dealer({ context });
    const binding = socket.bind("inproc://x");
    const ended = context.terminate();
    await binding;
    assert.equal(socket.closed, true);
    while (!ctx.calls.includes("terminated")) await Promise.resolve();
    ctx.finish();
    await ended;
    assert.equal(ctx.sockets[0]?.closed, true);
  });

  test("costs nothing when it was never used", async () => {
    const context = new Context();
    await context.terminate();
    assert.throws(() => new Dealer({ context }), { code: "ETERM" });
    const other = new Context();
    other.shutdown();
    assert.throws(() => new Dealer({ context: other }), { code: "ETERM" });
  });

  test("happens at the end of a scope", async () => {
    const { ctx, context } = fake();
    ctx.terminated = () => Promise.reject(new Error("lost"));
    {
      using scoped = context;
      new Dealer({ context: scoped });
    }
    assert.equal(ctx.sockets[0]?.closed, true);
    await assert.rejects(context[Symbol.asyncDispose](), { message: "lost" });
  });

  test("can begin with a shutdown, which leaves sockets open", () => {
    const { ctx, context } = fake();
    using socket = new Dealer({ context });
    context.shutdown();
    assert.deepEqual(ctx.calls, ["shutdown"]);
    assert.equal(socket.closed, false);
    assert.throws(() => new Dealer({ context }), { code: "ETERM" });
  });
});

test("what a context's workers wait with is chosen as a whole", () => {
  const library = { kqueueLibrary: "/no/such/library.so" };
  const both = [{ poller: "kqueue", ...library }, {
    ...library,
    poller: "kqueue",
  }] as const;
  for (const options of both) {
    const { poller, kqueueLibrary } = new Context(options);
    assert.deepEqual({ poller, kqueueLibrary }, {
      poller: "kqueue",
      ...library,
    });
  }
  for (
    const options of [
      { poller: "poll", pollerTrigger: "edge" },
      { pollerTrigger: "edge", poller: "select" },
      { poller: "best" },
      { pollerTrigger: "both" },
    ]
  ) {
    assert.throws(() => new Context(options as never), { code: "EINVAL" });
  }
  assert.throws(() => new Context({ poller: 1 } as never), TypeError);
  const context = new Context({ poller: "poll" });
  assert.throws(() => context.pollerTrigger = "edge", { code: "EINVAL" });
  assert.equal(context.pollerTrigger, null);
  context.poller = null;
});

test("leaves nothing behind", leaks.after);
