import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  PendingOperation,
  ReceiveForm,
} from "../../../src/api/pending_operation.ts";
import { nextTurn, within } from "../../support/wait.ts";

describe("a pending operation", () => {
  test("is fulfilled or rejected from outside", async () => {
    const good = new PendingOperation(ReceiveForm.PARTS);
    good.resolve("value");
    assert.equal(await good.promise, "value");
    const bad = new PendingOperation(ReceiveForm.PARTS);
    bad.reject(new Error("no"));
    await assert.rejects(bad.promise, { message: "no" });
  });

  test("calls back when its time is over", async () => {
    const operation = new PendingOperation(ReceiveForm.PARTS);
    operation.expireAfter(1, () => operation.resolve("late"));
    assert.equal(await within(operation.promise, "expiry"), "late");
  });

  test("calls back when its signal is aborted", () => {
    const abort = new AbortController();
    const operation = new PendingOperation(ReceiveForm.PARTS);
    let calls = 0;
    operation.abortOn(abort.signal, () => calls++);
    abort.abort();
    assert.equal(calls, 1);
  });

  test("calls back after the event loop has turned", async () => {
    const operation = new PendingOperation(ReceiveForm.PARTS);
    operation.deferTurn(() => operation.resolve("turned"));
    assert.equal(operation.deferred, true);
    assert.equal(await within(operation.promise, "the turn"), "turned");
  });

  test("calls nobody back once finished", async () => {
    const abort = new AbortController();
    const operation = new PendingOperation(ReceiveForm.PARTS);
    let calls = 0;
    operation.expireAfter(0, () => calls++);
    operation.deferTurn(() => calls++);
    operation.abortOn(abort.signal, () => calls++);
    operation.finish();
    abort.abort();
    await nextTurn();
    await nextTurn();
    assert.equal(calls, 0);
  });
});
