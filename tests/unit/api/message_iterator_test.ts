import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MessageIterator } from "../../../src/api/message_iterator.ts";
import { SocketState } from "../../../src/api/socket_state.ts";
import { ZmqError } from "../../../src/base/errors.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { SocketBase } from "../../../src/core/socket_base.ts";
import { FakeSocketBase } from "../../support/fake_core.ts";

function open(): {
  base: FakeSocketBase;
  state: SocketState;
  iterator: MessageIterator<Uint8Array[]>;
} {
  const base = new FakeSocketBase(SocketType.PULL, true);
  const kernel = base as unknown as SocketBase;
  const state = new SocketState({}, kernel, {}, new Set());
  return { base, state, iterator: new MessageIterator(state, base) };
}

describe("iterating over messages", () => {
  test("gives one after the other, waiting for them", async () => {
    const { base, iterator } = open();
    base.inbox.push(["a"], ["b"]);
    const seen: number[] = [];
    for await (const [part] of iterator) {
      seen.push(part?.[0] ?? 0);
      if (seen.length === 2) {
        queueMicrotask(() => {
          base.inbox.push(["c"]);
          base.activity();
        });
      }
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, [97, 98, 99]);
  });

  test("leaves the socket open when the loop is left", async () => {
    const { base, state, iterator } = open();
    base.inbox.push(["a"]);
    for await (const _ of iterator) break;
    assert.equal(state.closed, false);
  });

  test("ends when the socket is closed, then or before", async () => {
    const { state, iterator } = open();
    const next = iterator.next();
    state.close();
    assert.deepEqual(await next, { value: undefined, done: true });
    assert.deepEqual(await iterator.next(), { value: undefined, done: true });
  });

  test("fails at close when it was not the socket's turn to receive", async () => {
    const { base, state, iterator } = open();
    base.receiveError = new ZmqError("EFSM");
    const next = iterator.next();
    state.close();
    await assert.rejects(next, { code: "EFSM" });
    assert.deepEqual(await iterator.next(), { value: undefined, done: true });
  });

  test("fails with the error of a receive", async () => {
    const { base, iterator } = open();
    base.options.receiveTimeout = 0;
    await assert.rejects(iterator.next(), { code: "EAGAIN" });
    base.receiveError = new ZmqError("EFSM");
    await assert.rejects(iterator.next(), { code: "EFSM" });
  });

  test("rejects a second step while one is pending", async () => {
    const { base, iterator } = open();
    const first = iterator.next();
    await assert.rejects(iterator.next(), { code: "EBUSY" });
    base.inbox.push(["a"]);
    base.activity();
    assert.equal((await first).done, false);
  });
});
