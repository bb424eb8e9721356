import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ZmqError } from "../../../src/base/errors.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { ReceiveForm } from "../../../src/api/pending_operation.ts";
import {
  FAST_OPERATIONS_MAX,
  SocketState,
} from "../../../src/api/socket_state.ts";
import type { SocketBase } from "../../../src/core/socket_base.ts";
import { FakeSocketBase } from "../../support/fake_core.ts";
import { nextTurn, within } from "../../support/wait.ts";

interface Fixture {
  readonly base: FakeSocketBase;
  readonly state: SocketState;
  readonly siblings: Set<SocketState>;
}

function open(): Fixture {
  const base = new FakeSocketBase(SocketType.PAIR, true);
  const siblings = new Set<SocketState>();
  const state = new SocketState(
    {},
    base as unknown as SocketBase,
    {},
    siblings,
  );
  return { base, state, siblings };
}

function receive(state: SocketState, signal?: AbortSignal): Promise<string[]> {
  const options = signal === undefined ? undefined : { signal };
  return (state.receive(ReceiveForm.PARTS, options) as Promise<Uint8Array[]>)
    .then((parts) => parts.map((part) => new TextDecoder().decode(part)));
}

/** Whether a promise is still pending after a turn of the event loop. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  const turned = nextTurn().then(() => pending);
  return await Promise.race([promise, turned]) === pending;
}

const EAGAIN = {
  code: "EAGAIN",
  message: "Operation was not possible or timed out",
};

describe("send", () => {
  test("proceeds at once when there is room", async () => {
    const { base, state } = open();
    const first = state.send(["a", "b"]);
    const second = state.send("c");
    assert.equal(first, second, "one shared promise");
    assert.equal(await first, undefined);
    assert.deepEqual(base.sent, [["a", "b"], ["c"]]);
    assert.equal(base.retained, 0);
  });

  test("sends nothing for an empty array", async () => {
    const { base, state } = open();
    base.room = 0;
    await state.send([]);
    assert.equal(state.trySend([]), true);
    state.sendSync([]);
    assert.deepEqual(base.sent, []);
  });

  test("waits for room", async () => {
    const { base, state } = open();
    base.room = 0;
    const sending = state.send(["late", "news"]);
    assert.equal(base.retained, 1);
    assert.equal(await isPending(sending), true);
    base.activity();
    assert.equal(await isPending(sending), true);
    base.room = 1;
    base.activity();
    assert.equal(await sending, undefined);
    assert.deepEqual(base.sent, [["late", "news"]]);
    assert.equal(base.retained, 0);
  });

  test("is refused synchronously while one is pending", async () => {
    const { base, state } = open();
    base.room = 0;
    const sending = state.send("first");
    const busy = {
      code: "EBUSY",
      message: "Socket is busy writing; " +
        "only one send operation may be in progress at any time",
    };
    assert.throws(() => state.send("second"), busy);
    assert.throws(() => state.sendSync("second"), busy);
    assert.throws(() => state.trySend("second"), busy);
    base.room = 1;
    base.activity();
    await sending;
    assert.deepEqual(base.sent, [["first"]]);
  });

  test("throws synchronously for bad arguments", () => {
    const { base, state } = open();
    assert.throws(() => state.send(undefined), TypeError);
    assert.throws(() => state.send("x", 1 as never), TypeError);
    assert.throws(() => state.send("x", null as never), TypeError);
    assert.throws(
      () => state.send("x", { signal: {} as AbortSignal }),
      TypeError,
    );
    assert.deepEqual(base.sent, []);
    assert.equal(state.trySend("ok"), true);
  });

  test("is rejected with EAGAIN after sendTimeout", async () => {
    const { base, state } = open();
    base.room = 0;
    base.options.sendTimeout = 1;
    await assert.rejects(within(state.send("x"), "the timeout"), EAGAIN);
    base.options.sendTimeout = 0;
    await assert.rejects(state.send("x"), EAGAIN);
    assert.equal(base.retained, 0);
    base.room = 1;
    await state.send("y");
    assert.deepEqual(base.sent, [["y"]]);
  });

  test("is rejected with the kernel's error, now or later", async () => {
    const { base, state } = open();
    base.sendError = new ZmqError("EHOSTUNREACH");
    await assert.rejects(state.send("x"), { code: "EHOSTUNREACH" });
    base.sendError = null;
    base.room = 0;
    const sending = state.send("x");
    base.sendError = new ZmqError("ETERM");
    base.activity();
    await assert.rejects(sending, { code: "ETERM" });
    assert.equal(base.retained, 0);
  });

  test("can be cancelled, having sent nothing", async () => {
    const { base, state } = open();
    base.room = 0;
    const abort = new AbortController();
    const sending = state.send("x", { signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(sending, { message: "enough" });
    base.room = 1;
    base.activity();
    await assert.rejects(state.send("y", { signal: abort.signal }), {
      message: "enough",
    });
    assert.deepEqual(base.sent, []);
    assert.equal(base.retained, 0);
  });
});

describe("receive", () => {
  test("proceeds at once when there is a message", async () => {
    const { base, state } = open();
    base.inbox.push(["a", "b"]);
    assert.deepEqual(await receive(state), ["a", "b"]);
    assert.equal(base.retained, 0);
  });

  test("hands out an array that is never used again", () => {
    const { base, state } = open();
    base.inbox.push(["a"], ["b"]);
    const first = state.tryReceive(ReceiveForm.PARTS);
    const second = state.tryReceive(ReceiveForm.PARTS);
    assert.notEqual(first, second);
    assert.deepEqual((first as Uint8Array[]).map(String), ["97"]);
    assert.equal(state.tryReceive(ReceiveForm.PARTS), undefined);
  });

  test("waits for a message", async () => {
    const { base, state } = open();
    const receiving = receive(state);
    assert.equal(await isPending(receiving), true);
    base.inbox.push(["late"]);
    base.activity();
    assert.deepEqual(await receiving, ["late"]);
    assert.equal(base.retained, 0);
  });

  test("is refused synchronously while one is pending", async () => {
    const { base, state } = open();
    const receiving = receive(state);
    const busy = {
      code: "EBUSY",
      message: "Socket is busy reading; " +
        "only one receive operation may be in progress at any time",
    };
    assert.throws(() => receive(state), busy);
    assert.throws(() => state.receiveSync(ReceiveForm.PARTS), busy);
    assert.throws(() => state.tryReceive(ReceiveForm.MESSAGES), busy);
    base.inbox.push(["x"]);
    base.activity();
    assert.deepEqual(await receiving, ["x"]);
  });

  test("may be pending together with a send", async () => {
    const { base, state } = open();
    base.room = 0;
    const sending = state.send("out");
    const receiving = receive(state);
    assert.equal(base.retained, 2);
    base.inbox.push(["in"]);
    base.activity();
    assert.deepEqual(await receiving, ["in"]);
    assert.equal(base.retained, 1);
    base.room = 1;
    base.activity();
    await sending;
    assert.equal(base.retained, 0);
  });

  test("is rejected with EAGAIN after receiveTimeout", async () => {
    const { base, state } = open();
    base.options.receiveTimeout = 1;
    await assert.rejects(within(receive(state), "the timeout"), EAGAIN);
    base.options.receiveTimeout = 0;
    await assert.rejects(receive(state), EAGAIN);
    assert.equal(base.retained, 0);
  });

  test("takes what came while the loop was too busy to notice", async () => {
    const { base, state } = open();
    base.options.receiveTimeout = 1;
    const receiving = receive(state);
    base.inbox.push(["just in time"]);
    assert.deepEqual(await within(receiving, "it"), ["just in time"]);
  });

  test("can be cancelled, having taken nothing", async () => {
    const { base, state } = open();
    const abort = new AbortController();
    const receiving = receive(state, abort.signal);
    abort.abort(new Error("enough"));
    await assert.rejects(receiving, { message: "enough" });
    base.inbox.push(["kept"]);
    base.activity();
    await assert.rejects(receive(state, abort.signal), { message: "enough" });
    assert.deepEqual(await receive(state), ["kept"]);
    assert.equal(base.retained, 0);
  });

  test("stops listening to the signal once it is done", async () => {
    const { base, state } = open();
    const abort = new AbortController();
    const receiving = receive(state, abort.signal);
    base.inbox.push(["x"]);
    base.activity();
    await receiving;
    const next = receive(state);
    abort.abort();
    base.inbox.push(["y"]);
    base.activity();
    assert.deepEqual(await next, ["y"]);
  });
});

describe("mail that the kernel handles within a call", () => {
  test("does not make an attempt twice", async () => {
    const { base, state } = open();
    const trySend = base.trySend.bind(base);
    const tryReceive = base.tryReceive.bind(base);
    let depth = 0;
    const mail = () => {
      if (++depth < 5) base.onActivity?.();
      depth--;
    };
    base.trySend = (parts, count) => {
      mail();
      return trySend(parts, count);
    };
    base.tryReceive = (out) => {
      mail();
      return tryReceive(out);
    };
    base.room = 0;
    const sending = state.send("once");
    const receiving = receive(state);
    base.room = 10;
    base.inbox.push(["first"], ["second"]);
    base.activity();
    await sending;
    assert.deepEqual(base.sent, [["once"]]);
    assert.deepEqual(await receiving, ["first"]);
    assert.deepEqual(await receive(state), ["second"]);
    await state.send("twice");
    assert.deepEqual(base.sent, [["once"], ["twice"]]);
    assert.equal(base.retained, 0);
  });

  test("is looked at again after the attempt it came in", async () => {
    const { base, state } = open();
    const tryReceive = base.tryReceive.bind(base);
    const receiving = receive(state);
    base.tryReceive = () => {
      base.tryReceive = tryReceive;
      // Nothing was there when this attempt looked; then something came.
      base.inbox.push(["just now"]);
      base.onActivity?.();
      return false;
    };
    base.activity();
    assert.deepEqual(await within(receiving, "it"), ["just now"]);
  });
});

describe("operations that the socket's state forbids", () => {
  const EFSM = { code: "EFSM" };

  test("fail at once without a time to wait, and synchronous ones always", async () => {
    const { base, state } = open();
    base.sendError = base.receiveError = new ZmqError("EFSM");
    assert.throws(() => state.trySend("x"), EFSM);
    assert.throws(() => state.sendSync("x"), EFSM);
    assert.throws(() => state.tryReceive(ReceiveForm.PARTS), EFSM);
    assert.throws(() => state.receiveSync(ReceiveForm.PARTS), EFSM);
    base.options.sendTimeout = base.options.receiveTimeout = 0;
    await assert.rejects(state.send("x"), EFSM);
    await assert.rejects(receive(state), EFSM);
    assert.equal(base.retained, 0);
  });

  test("wait, and fail when their time is over", async () => {
    const { base, state } = open();
    base.sendError = base.receiveError = new ZmqError("EFSM");
    base.options.sendTimeout = base.options.receiveTimeout = 20;
    const start = performance.now();
    await within(assert.rejects(state.send("x"), EFSM), "the send");
    await within(assert.rejects(receive(state), EFSM), "the receive");
    assert.ok(performance.now() - start >= 38);
    // The state may have changed, with nothing to receive for all that.
    const receiving = receive(state);
    base.receiveError = null;
    base.activity();
    await within(assert.rejects(receiving, { code: "EAGAIN" }), "the receive");
  });

  test("wait for ever, and fail when the socket is closed", async () => {
    const { base, state } = open();
    base.sendError = base.receiveError = new ZmqError("EFSM");
    const sending = state.send("x");
    const receiving = state.receive(ReceiveForm.ITERATION);
    base.activity();
    assert.equal(await isPending(sending), true);
    assert.equal(await isPending(receiving), true);
    state.close();
    await assert.rejects(sending, EFSM);
    await assert.rejects(receiving, EFSM);
    assert.equal(base.retained, 0);
  });

  for (const how of ["send", "sendSync", "trySend"] as const) {
    test(`go on when ${how}() has changed it, without any mail`, async () => {
      const { base, state } = open();
      base.receiveError = new ZmqError("EFSM");
      const receiving = receive(state);
      base.inbox.push(["reply"]);
      const { trySend } = base;
      base.trySend = (parts, count) => {
        base.receiveError = null;
        return trySend.call(base, parts, count);
      };
      await state[how]("request");
      assert.deepEqual(await within(receiving, "the reply"), ["reply"]);
      assert.deepEqual(base.sent, [["request"]]);
    });
  }

  for (const how of ["receive", "receiveSync", "tryReceive"] as const) {
    test(`go on when ${how}() has changed it, without any mail`, async () => {
      const { base, state } = open();
      base.sendError = new ZmqError("EFSM");
      const sending = state.send("reply");
      base.inbox.push(["request"]);
      const { tryReceive } = base;
      base.tryReceive = (out) => {
        base.sendError = null;
        return tryReceive.call(base, out);
      };
      const received = await state[how](ReceiveForm.PARTS) as Uint8Array[];
      assert.deepEqual(received, [new TextEncoder().encode("request")]);
      await within(sending, "the reply");
      assert.deepEqual(base.sent, [["reply"]]);
    });
  }

  test("wait for a peer when there is nobody to send to", async () => {
    const { base, state } = open();
    const unreachable = { code: "EHOSTUNREACH" };
    base.room = 0;
    base.sendError = new ZmqError("EHOSTUNREACH");
    const sending = state.send("x");
    assert.equal(await isPending(sending), true);
    // There is somebody now, and it is somebody else.
    base.room = 1;
    base.activity();
    await assert.rejects(sending, unreachable);
    await assert.rejects(state.send("x"), unreachable);
  });

  test("wait behind the pending operation that may change it", async () => {
    const { base, state } = open();
    base.room = 0;
    base.receiveError = new ZmqError("EFSM");
    const sending = state.send("request");
    const receiving = receive(state);
    assert.equal(await isPending(receiving), true);
    base.room = 1;
    base.receiveError = null;
    base.inbox.push(["reply"]);
    base.activity();
    await sending;
    assert.deepEqual(await receiving, ["reply"]);
  });
});

describe("fairness", () => {
  test("defers an operation after many that went fast", async () => {
    const { base, state } = open();
    for (let sent = 0; sent < FAST_OPERATIONS_MAX; sent++) state.send("x");
    const deferred = state.send("x");
    assert.equal(base.sent.length, FAST_OPERATIONS_MAX);
    assert.throws(() => state.send("x"), { code: "EBUSY" });
    await within(deferred, "the next turn");
    assert.equal(base.sent.length, FAST_OPERATIONS_MAX + 1);
    assert.equal(base.retained, 0);
    state.send("x");
    assert.equal(base.sent.length, FAST_OPERATIONS_MAX + 2);
  });

  test("lets the event loop turn during a loop of sends", async () => {
    const { state } = open();
    let turns = 0;
    let running = true;
    (async () => {
      while (running) {
        await nextTurn();
        turns++;
      }
    })();
    for (let sent = 0; sent < 200 * FAST_OPERATIONS_MAX; sent++) {
      await state.send("x");
    }
    running = false;
    assert.ok(turns > 0, `${turns} turns`);
  });

  test("counts receives as well", async () => {
    const { base, state } = open();
    for (let i = 0; i < FAST_OPERATIONS_MAX; i++) {
      base.inbox.push(["x"]);
      await receive(state);
    }
    base.inbox.push(["last"]);
    const deferred = receive(state);
    assert.equal(base.inbox.length, 1);
    assert.deepEqual(await within(deferred, "the next turn"), ["last"]);
  });

  test("can be cancelled while deferred", async () => {
    const { base, state } = open();
    for (let sent = 0; sent < FAST_OPERATIONS_MAX; sent++) state.send("x");
    const abort = new AbortController();
    const deferred = state.send("x", { signal: abort.signal });
    abort.abort();
    await assert.rejects(deferred, { name: "AbortError" });
    await nextTurn();
    assert.equal(base.sent.length, FAST_OPERATIONS_MAX);
    assert.equal(base.retained, 0);
  });

  test("does not hold up calls that do not want to wait", async () => {
    const { base, state } = open();
    base.options.sendTimeout = 0;
    const many = 3 * FAST_OPERATIONS_MAX;
    for (let sent = 0; sent < many; sent++) await state.send("x");
    for (let sent = 0; sent < many; sent++) state.trySend("x");
    assert.equal(base.sent.length, 2 * many);
  });
});

describe("blocking calls", () => {
  test("proceed at once when they can", () => {
    const { base, state } = open();
    base.inbox.push(["in"]);
    state.sendSync("out");
    assert.deepEqual(base.sent, [["out"]]);
    const parts = state.receiveSync(ReceiveForm.PARTS) as Uint8Array[];
    assert.deepEqual(parts.map((part) => part.length), [2]);
  });

  test("wait until they can", () => {
    const { base, state } = open();
    base.room = 0;
    let waits = 0;
    base.onWait = (deadline) => {
      assert.equal(deadline, Infinity);
      waits++;
      if (waits === 3) {
        base.room = 1;
        base.inbox.push(["in"]);
      }
      return true;
    };
    state.sendSync("out");
    assert.equal(waits, 3);
    waits = 2;
    base.inbox.length = 0;
    state.receiveSync(ReceiveForm.PARTS);
    assert.equal(waits, 3);
  });

  test("give up when their time is over", () => {
    const { base, state } = open();
    base.room = 0;
    const deadlines: number[] = [];
    base.onWait = (deadline) => {
      deadlines.push(deadline);
      return false;
    };
    base.options.sendTimeout = 50;
    base.options.receiveTimeout = 0;
    assert.throws(() => state.sendSync("x"), EAGAIN);
    assert.throws(() => state.receiveSync(ReceiveForm.PARTS), EAGAIN);
    assert.equal(deadlines.length, 1);
    assert.ok(Number.isFinite(deadlines[0]));
    base.room = 1;
    state.sendSync("y");
    assert.deepEqual(base.sent, [["y"]]);
  });

  test("say whether they did something when they do not wait", () => {
    const { base, state } = open();
    base.room = 1;
    assert.equal(state.trySend("x"), true);
    assert.equal(state.trySend("y"), false);
    assert.deepEqual(base.sent, [["x"]]);
  });
});

describe("close", () => {
  test("gives the socket up and leaves the context", () => {
    const { base, state, siblings } = open();
    assert.ok(siblings.has(state));
    state.close();
    state.close();
    assert.equal(state.closed, true);
    assert.equal(base.closed, true);
    assert.equal(state.context, null);
    assert.equal(siblings.size, 0);
  });

  test("makes operations throw EBADF", () => {
    const { state } = open();
    state.close();
    const closed = { code: "EBADF", message: "Socket is closed" };
    assert.throws(() => state.send("x"), closed);
    assert.throws(() => state.receive(ReceiveForm.PARTS), closed);
    assert.throws(() => state.trySend("x"), closed);
    assert.throws(() => state.receiveSync(ReceiveForm.PARTS), closed);
    assert.throws(() => state.runBlocked(() => {}), closed);
    assert.throws(() => state.detach(), closed);
  });

  test("rejects what is pending with EAGAIN, and ends iterations", async () => {
    const { base, state } = open();
    base.room = 0;
    const sending = state.send("x");
    const receiving = receive(state);
    state.close();
    await assert.rejects(sending, EAGAIN);
    await assert.rejects(receiving, EAGAIN);
    assert.equal(base.retained, 0);
    const other = open();
    const next = other.state.receive(ReceiveForm.ITERATION);
    other.state.close();
    assert.deepEqual(await next, { value: undefined, done: true });
  });

  test("waits for a bind that is under way", async () => {
    const { base, state } = open();
    const binding = state.runBlocked((kernel) => kernel.bind("tcp://x"));
    assert.equal(state.blocked, true);
    const closing = state.closeLater();
    assert.equal(state.closed, false);
    await binding;
    assert.equal(state.closed, true);
    assert.equal(base.closed, true);
    await closing;
  });

  test("waits for an unbind that fails", async () => {
    const { base, state } = open();
    base.endpointError = new ZmqError("ENOENT", { address: "tcp://x" });
    const unbinding = state.runBlocked((kernel) => kernel.unbind("tcp://x"));
    state.close();
    await assert.rejects(unbinding, { code: "ENOENT", address: "tcp://x" });
    assert.equal(state.closed, true);
  });
});

describe("bind", () => {
  test("blocks the socket until it is done", async () => {
    const { base, state } = open();
    const binding = state.runBlocked((kernel) => kernel.bind("tcp://x"));
    const busy = {
      code: "EBUSY",
      message: "Socket is blocked by a bind or unbind operation",
    };
    assert.throws(() => state.send("x"), busy);
    assert.throws(() => receive(state), busy);
    assert.throws(() => state.runBlocked(() => {}), busy);
    assert.throws(() => state.usable(), busy);
    assert.equal(await binding, undefined);
    assert.equal(state.blocked, false);
    state.send("x");
    assert.deepEqual(base.calls, ["bind tcp://x"]);
  });

  test("does not disturb what is pending", async () => {
    const { base, state } = open();
    const receiving = receive(state);
    await state.runBlocked((kernel) => kernel.bind("tcp://x"));
    base.inbox.push(["x"]);
    base.activity();
    assert.deepEqual(await receiving, ["x"]);
  });
});

describe("detach", () => {
  test("gives the kernel's socket up without closing it", () => {
    const { base, state, siblings } = open();
    state.detach();
    assert.deepEqual(base.calls, ["detach"]);
    assert.equal(base.closed, false);
    assert.equal(state.closed, true);
    assert.equal(siblings.size, 0);
  });

  test("is refused while an operation is pending", async () => {
    const { base, state } = open();
    const receiving = receive(state);
    assert.throws(() => state.detach(), { code: "EBUSY" });
    base.inbox.push(["x"]);
    base.activity();
    await receiving;
    state.detach();
    assert.equal(state.closed, true);
  });
});

describe("the public socket", () => {
  test("is held while an operation is pending, and only then", async () => {
    const owner = {};
    const base = new FakeSocketBase(SocketType.PAIR, true);
    const state = new SocketState(
      owner,
      base as unknown as SocketBase,
      {},
      new Set(),
    );
    assert.equal(state.keptOwner, null);
    const receiving = receive(state);
    assert.equal(state.keptOwner, owner);
    base.inbox.push(["x"]);
    base.activity();
    await receiving;
    assert.equal(state.keptOwner, null);
  });
});

describe("the short way of messages of one part", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test("is taken by bytes only, and mixes with the long one", async () => {
    const { base, state } = open();
    base.short = true;
    assert.equal(state.trySend(bytes("a")), true);
    state.sendSync(["b", "c"]);
    await state.send(bytes("d"));
    assert.deepEqual(base.sent, [["a"], ["b", "c"], ["d"]]);
    base.inbox.push(["e"], ["f", "g"], ["h"]);
    assert.deepEqual(await receive(state), ["e"]);
    assert.deepEqual(await receive(state), ["f", "g"]);
    assert.deepEqual(await receive(state), ["h"]);
  });

  test("is not open to what is refused or must wait", async () => {
    const { base, state } = open();
    base.short = true;
    base.room = 0;
    assert.equal(state.trySend(bytes("x")), false);
    const sending = state.send(bytes("waits"));
    assert.throws(() => state.trySend(bytes("y")), { code: "EBUSY" });
    base.room = 1;
    base.activity();
    await sending;
    assert.deepEqual(base.sent, [["waits"]]);
    const buffer = new ArrayBuffer(4);
    const gone = new Uint8Array(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    assert.throws(() => state.trySend(gone), TypeError);
  });

  test("lets the event loop turn as often as the long one", async () => {
    const { base, state } = open();
    base.short = true;
    base.room = Infinity;
    for (let n = 0; n < FAST_OPERATIONS_MAX; n += 1) {
      await state.send(bytes("x"));
    }
    const sending = state.send(bytes("x"));
    // Microtasks alone do not bring it on.
    for (let n = 0; n < 100; n += 1) await null;
    assert.equal(base.sent.length, FAST_OPERATIONS_MAX);
    await within(sending, "the next turn");
    assert.equal(base.sent.length, FAST_OPERATIONS_MAX + 1);
  });

  test("moves the receive on that waits for a turn", async () => {
    const { base, state } = open();
    base.short = true;
    const receiving = receive(state);
    base.inbox.push(["reply"]);
    state.sendSync(bytes("request"));
    assert.deepEqual(await within(receiving, "the reply"), ["reply"]);
  });
});
