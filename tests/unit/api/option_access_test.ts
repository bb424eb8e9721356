import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import { contextOver } from "../../../src/api/context.ts";
import { Dealer, Router, Subscriber } from "../../../src/api/sockets.ts";
import { XPublisher } from "../../../src/api/sockets.ts";
import { defaultCtxOptions } from "../../../src/core/ctx_options.ts";
import { FakeCtx } from "../../support/fake_core.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const ctx = new FakeCtx(defaultCtxOptions());
const context = contextOver(ctx.asCtx);

/** The warnings that an action makes the process emit. */
function warningsOf(action: () => void): unknown[] {
  const warnings: unknown[] = [];
  const emit = process.emitWarning;
  process.emitWarning = (warning: string | Error) => {
    warnings.push(warning);
  };
  try {
    action();
  } finally {
    process.emitWarning = emit;
  }
  return warnings;
}

const LATE = "Socket option will not take effect until next connect/bind.";

describe("options by name", () => {
  test("are read and written through the table's validators", () => {
    const socket = new Dealer({ context });
    assert.equal(socket.routingId, null);
    socket.routingId = "åbç";
    assert.equal(socket.routingId, "åbç");
    assert.throws(() => socket.immediate = 1 as never, {
      name: "TypeError",
      message: "Option value must be a boolean",
    });
    assert.throws(() => socket.curveServer = true, { code: "ENOTSUP" });
    assert.throws(() => socket.backlog = -1, { code: "EINVAL" });
    assert.equal(socket.backlog, 100);
    assert.equal((socket as { conflate?: boolean }).conflate, undefined);
  });

  test("warn when they come too late to matter", async () => {
    const socket = new Dealer({ context });
    const late = () => socket.routingId = "x";
    assert.deepEqual(warningsOf(late), []);
    const binding = socket.bind("inproc://a");
    assert.deepEqual(warningsOf(late), [LATE]);
    await binding;
    assert.deepEqual(warningsOf(late), [LATE]);
    const live = () => {
      socket.linger = 1;
      socket.sendTimeout = 1;
      socket.receiveTimeout = 1;
      socket.sendHighWaterMark = 1;
      socket.receiveHighWaterMark = 1;
      socket.probeRouter = true;
    };
    assert.deepEqual(warningsOf(live), []);
  });

  test("warn when a number is too large to be exact", () => {
    const socket = new Dealer({ context });
    assert.deepEqual(
      warningsOf(() => socket.affinity = 0xfffffff7fab7fb),
      [
        "Value is larger than Number.MAX_SAFE_INTEGER and " +
        "may have been rounded inaccurately.",
      ],
    );
    assert.deepEqual(warningsOf(() => socket.affinity = 3), []);
  });
});

describe("options by number", () => {
  test("are those of libzmq", () => {
    const socket = new Dealer({ context });
    assert.equal(socket.getBoolOption(39), false);
    socket.setBoolOption(39, true);
    assert.equal(socket.immediate, true);
    socket.setInt32Option(19, 75);
    assert.equal(socket.getInt32Option(19), 75);
    socket.setUint32Option(57, 8);
    assert.equal(socket.getUint32Option(57), 8);
    socket.setInt64Option(22, 0xffffffffffff);
    assert.equal(socket.getInt64Option(22), 0xffffffffffff);
    socket.setUint64Option(4, 3);
    assert.equal(socket.getUint64Option(4), 3);
    socket.setStringOption(5, "id");
    assert.equal(socket.getStringOption(5), "id");
    assert.throws(() => socket.getInt32Option(9999), { code: "EINVAL" });
    assert.throws(() => socket.setBoolOption(19, 75 as never), TypeError);
  });

  test("tell what the socket is ready for", () => {
    const socket = new Dealer({ context });
    const base = ctx.sockets.at(-1);
    assert.ok(base);
    assert.equal(socket.getInt32Option(15), 2);
    base.inbox.push(["x"]);
    assert.equal(socket.getInt32Option(15), 3);
    base.room = 0;
    assert.equal(socket.getInt32Option(15), 1);
  });
});

describe("subscriptions", () => {
  test("to a prefix that is too long are refused, with all beside it", () => {
    const socket = new Subscriber({ context });
    const tooLong = "x".repeat(2 << 20);
    assert.throws(() => socket.subscribe("a", tooLong), { code: "EMSGSIZE" });
    assert.throws(() => socket.setStringOption(6, tooLong), {
      code: "EMSGSIZE",
    });
    assert.deepEqual(ctx.sockets.at(-1)?.calls, []);
    // Nobody asked for it, so there is nothing to take back.
    socket.unsubscribe(tooLong);
  });

  test("are strings, bytes or everything", () => {
    const socket = new Subscriber({ context });
    const base = ctx.sockets.at(-1);
    socket.subscribe("a", new Uint8Array([98]));
    socket.subscribe();
    socket.unsubscribe("a");
    socket.unsubscribe();
    socket.setStringOption(6, "c");
    socket.setStringOption(7, null);
    assert.deepEqual(base?.calls, [
      "subscribe a",
      "subscribe b",
      "subscribe ",
      "unsubscribe a",
      "unsubscribe ",
      "subscribe c",
      "unsubscribe ",
    ]);
  });

  test("are all refused when one of them is bad", () => {
    const socket = new Subscriber({ context });
    const base = ctx.sockets.at(-1);
    assert.throws(() => socket.subscribe("a", 1 as never), {
      name: "TypeError",
      message: "Option value must be a string or buffer",
    });
    assert.deepEqual(base?.calls, []);
    socket.close();
    assert.throws(() => socket.subscribe("a"), { code: "ENOTSOCK" });
  });

  test("belong to the sockets that have them", () => {
    const dealer = new Dealer({ context });
    assert.throws(() => dealer.setStringOption(6, "a"), { code: "EINVAL" });
    const publisher = new XPublisher({ context, manual: true });
    publisher.setStringOption(6, "a");
    assert.deepEqual(ctx.sockets.at(-1)?.calls, ["subscribe a"]);
  });
});

describe("connect of a router", () => {
  test("can say what the peer is called", () => {
    const socket = new Router({ context });
    const base = ctx.sockets.at(-1);
    socket.connect("tcp://a");
    socket.connect("tcp://b", { routingId: "bob" });
    socket.connect("tcp://c", { routingId: "" });
    socket.setStringOption(61, "dan");
    socket.connect("tcp://d");
    socket.connect("tcp://e");
    assert.deepEqual(base?.calls, [
      "connect tcp://a",
      "connect tcp://b bob",
      "connect tcp://c",
      "connect tcp://d dan",
      "connect tcp://e",
    ]);
  });

  test("refuses names that cannot be", () => {
    const socket = new Router({ context });
    const base = ctx.sockets.at(-1);
    const name = (routingId: unknown) => () =>
      socket.connect("tcp://a", { routingId: routingId as string });
    assert.throws(name("x".repeat(256)), { code: "EINVAL" });
    assert.throws(name("\0x"), { code: "EINVAL" });
    assert.throws(name(5), TypeError);
    assert.throws(() => socket.connect("tcp://a", 5 as never), TypeError);
    assert.throws(() => socket.connect(5 as never), TypeError);
    assert.deepEqual(base?.calls, []);
  });
});

test("leaves nothing behind", leaks.after);
