import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Context, contextOver } from "../../../src/api/context.ts";
import { Socket, type SocketOptions } from "../../../src/api/socket.ts";
import { Dealer, Pull, Push } from "../../../src/api/sockets.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { ZmqError } from "../../../src/base/errors.ts";
import { defaultCtxOptions } from "../../../src/core/ctx_options.ts";
import { FakeCtx, type FakeSocketBase } from "../../support/fake_core.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

function fake(): { ctx: FakeCtx; context: Context } {
  const ctx = new FakeCtx(defaultCtxOptions());
  return { ctx, context: contextOver(ctx.asCtx) };
}

function open(
  options: SocketOptions<Dealer> = {},
): { base: FakeSocketBase; socket: Dealer } {
  const { ctx, context } = fake();
  const socket = new Dealer({ context, ...options });
  const [base] = ctx.sockets;
  assert.ok(base);
  return { base, socket };
}

const Any = Socket as unknown as new (...args: unknown[]) => Socket;

describe("making a socket", () => {
  test("checks its arguments in zeromq.js's order", () => {
    const { context } = fake();
    const noType = {
      name: "TypeError",
      message: "Socket type must be a number",
    };
    assert.throws(() => new Any(), noType);
    assert.throws(() => new Any("foo", 1, 2), noType);
    const noOptions = {
      name: "TypeError",
      message: "Options must be an object",
    };
    assert.throws(() => new Any(3, 1), noOptions);
    assert.throws(() => new Any(3, null, 2), noOptions);
    assert.throws(() => new Any(1, context, 2), {
      name: "TypeError",
      message: "Expected 2 arguments but received 3",
    });
    const invalid = { code: "EINVAL", message: "Invalid argument" };
    for (const type of [37, -1, 1.5, NaN, 11]) {
      assert.throws(() => new Any(type, context), invalid);
    }
    assert.throws(() => new Any(1, { context: {} }), invalid);
    assert.throws(() => new Any(1, { context: undefined }), invalid);
    assert.throws(() => (Dealer as unknown as () => void)(), TypeError);
  });

  test("uses the context it is given, and leaves the options alone", () => {
    const { context } = fake();
    const options = { context, linger: 5 };
    const socket = new Dealer(options);
    assert.equal(socket.context, context);
    assert.equal(socket.linger, 5);
    assert.equal(options.context, context);
    assert.ok(socket instanceof Socket);
  });

  test("leaves no socket behind when an option is refused", () => {
    const { ctx, context } = fake();
    const make = (options: object) => () => new Any(5, { context, ...options });
    assert.throws(make({ doesNotExist: 1 }), TypeError);
    assert.throws(make({ type: 1 }), TypeError);
    assert.throws(make({ linger: "long" }), {
      name: "TypeError",
      message: "Option value must be a number",
    });
    assert.throws(make({ backlog: undefined }), TypeError);
    assert.throws(make({ close: 1 }), TypeError);
    assert.throws(make({ linger: -2 }), { code: "EINVAL" });
    assert.equal(ctx.sockets.length, 6);
    assert.ok(ctx.sockets.every((base) => base.closed));
  });

  test("has types that know which options there are", () => {
    const { context } = fake();
    // @ts-expect-error: the type cannot be chosen.
    assert.throws(() => new Push({ context, type: 8 }), TypeError);
    // @ts-expect-error: a Pull does not send.
    assert.throws(() => new Pull({ context, sendTimeout: 8 }), TypeError);
    // @ts-expect-error: a method is no option.
    assert.throws(() => new Pull({ context, close: () => {} }), TypeError);
    // @ts-expect-error: a timeout is a number.
    assert.throws(() => new Pull({ context, receiveTimeout: "8" }), TypeError);
    const socket = new Push({ context, conflate: true, sendTimeout: 8 });
    assert.equal(socket.sendTimeout, 8);
  });

  test("can be done by classes of the application", () => {
    const { context } = fake();
    class Quick extends Dealer {
      override get sendHighWaterMark(): number {
        return this.getInt32Option(23);
      }

      override set sendHighWaterMark(value: number) {
        this.setInt32Option(23, value * 2);
      }
    }
    const socket = new Quick({ context, sendHighWaterMark: 228 });
    assert.equal(socket.sendHighWaterMark, 456);
    class Bare extends Socket {
      constructor(options: SocketOptions<Bare>) {
        super(SocketType.PUB, options);
      }
    }
    assert.equal(new Bare({ context, linger: 0 }).type, SocketType.PUB);
  });
});

describe("a socket", () => {
  test("is sealed and shows nothing of its own", () => {
    const { socket } = open();
    const bare = socket as unknown as Record<string, unknown>;
    assert.throws(() => bare["doesNotExist"] = 1, TypeError);
    assert.throws(() => bare["securityMechanism"] = 1, TypeError);
    assert.deepEqual(Reflect.ownKeys(socket), []);
  });

  test("says whether it is ready, and never throws for that", () => {
    const { base, socket } = open();
    assert.equal(socket.readable, false);
    assert.equal(socket.writable, true);
    base.inbox.push(["x"]);
    base.room = 0;
    assert.equal(socket.readable, true);
    assert.equal(socket.writable, false);
    base.hasIn = base.hasOut = () => {
      throw new ZmqError("ETERM");
    };
    assert.equal(socket.readable, false);
    assert.equal(socket.writable, false);
    socket.close();
    assert.equal(socket.readable, false);
    assert.equal(socket.writable, false);
  });

  test("has endpoints", async () => {
    const { base, socket } = open();
    assert.equal(await socket.bind("tcp://a"), undefined);
    socket.bindSync("tcp://b");
    socket.connect("tcp://c");
    socket.disconnect("tcp://c");
    assert.equal(await socket.unbind("tcp://a"), undefined);
    socket.unbindSync("tcp://b");
    assert.deepEqual(base.calls, [
      "bind tcp://a",
      "bind tcp://b",
      "connect tcp://c",
      "disconnect tcp://c",
      "unbind tcp://a",
      "unbind tcp://b",
    ]);
  });

  test("refuses addresses that are no strings, at the call", () => {
    const { base, socket } = open();
    const wrong = { name: "TypeError", message: "Address must be a string" };
    const address = 5 as unknown as string;
    assert.throws(() => socket.bind(address), wrong);
    assert.throws(() => socket.bindSync(address), wrong);
    assert.throws(() => socket.unbind(address), wrong);
    assert.throws(() => socket.unbindSync(address), wrong);
    assert.throws(() => socket.connect(address), wrong);
    assert.throws(() => socket.disconnect(address), wrong);
    const connect = socket.connect as (...args: unknown[]) => void;
    assert.throws(() => connect.call(socket, "tcp://a", {}), {
      name: "TypeError",
      message: "Expected 1 argument but received 2",
    });
    assert.deepEqual(base.calls, []);
  });

  test("passes the kernel's errors on: rejected by bind, else thrown", async () => {
    const { base, socket } = open();
    const refuse = () =>
      base.endpointError = new ZmqError("EADDRINUSE", { address: "tcp://a" });
    const refused = { code: "EADDRINUSE", address: "tcp://a" };
    refuse();
    await assert.rejects(socket.bind("tcp://a"), refused);
    refuse();
    assert.throws(() => socket.bindSync("tcp://a"), refused);
    refuse();
    assert.throws(() => socket.connect("tcp://a"), refused);
  });

  test("is blocked while it binds, except for options", async () => {
    const { socket } = open();
    const binding = socket.bind("tcp://a");
    const blocked = {
      code: "EBUSY",
      message: "Socket is blocked by a bind or unbind operation",
    };
    assert.throws(() => socket.bind("tcp://b"), blocked);
    assert.throws(() => socket.connect("tcp://b"), blocked);
    assert.throws(() => socket.send("x"), blocked);
    assert.throws(() => socket.receive(), blocked);
    assert.throws(() => socket.detach(), blocked);
    socket.linger = 7;
    assert.equal(socket.linger, 7);
    await binding;
    socket.connect("tcp://b");
  });

  test("is closed once, in one way or another", async () => {
    const { socket } = open();
    socket.close();
    socket.close();
    assert.equal(socket.closed, true);
    assert.equal(socket.context, undefined);
    const scoped = open().socket;
    {
      using inner = scoped;
      assert.equal(inner.closed, false);
    }
    assert.equal(scoped.closed, true);
    const later = open().socket;
    {
      await using inner = later;
      inner.bind("tcp://a");
    }
    assert.equal(later.closed, true);
  });

  test("refuses operations once closed", () => {
    const { socket } = open();
    socket.close();
    const closed = { code: "EBADF", message: "Socket is closed" };
    assert.throws(() => socket.send("x"), closed);
    assert.throws(() => socket.receive(), closed);
    assert.throws(() => socket.bind("tcp://a"), closed);
    assert.throws(() => socket.connect("tcp://a"), closed);
    assert.throws(() => socket.detach(), closed);
    const gone = {
      code: "ENOTSOCK",
      message: "Socket operation on non-socket",
    };
    assert.throws(() => socket.linger, gone);
    assert.throws(() => socket.linger = 1, gone);
    assert.throws(() => socket.getInt32Option(17), gone);
  });

  test("sends and receives in all ways that its class has", async () => {
    const { ctx, context } = fake();
    const push = new Push({ context });
    await push.send("a");
    push.sendSync("b");
    assert.equal(push.trySend("c"), true);
    assert.deepEqual(ctx.sockets[0]?.sent, [["a"], ["b"], ["c"]]);
    const pull = new Pull({ context });
    for (let i = 0; i < 7; i++) ctx.sockets[1]?.inbox.push([`${i}`]);
    const all = [
      await pull.receive(),
      pull.receiveSync(),
      pull.tryReceive(),
      await pull.receiveMessage(),
      pull.receiveMessageSync(),
      pull.tryReceiveMessage(),
    ];
    for await (const parts of pull) {
      all.push(parts);
      break;
    }
    assert.deepEqual(
      all.map((parts) => String.fromCharCode(Number(parts?.[0].toString()))),
      all.map((_, i) => `${i}`),
    );
    assert.equal(pull.tryReceive(), undefined);
    assert.equal(pull.tryReceiveMessage(), undefined);
    assert.equal("send" in pull, false);
    assert.equal("receive" in push, false);
  });
});

test("leaves nothing behind", leaks.after);
