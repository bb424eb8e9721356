import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BUSY_MESSAGES,
  systemError,
  ZmqError,
} from "../../../src/base/errors.ts";

test("an error has the text and number of its code", () => {
  const error = new ZmqError("EFSM");
  assert.equal(error.code, "EFSM");
  assert.equal(error.errno, 156384763);
  assert.equal(
    error.message,
    "Operation cannot be accomplished in current state",
  );
  assert.equal(error.name, "ZmqError");
  assert.ok(error instanceof Error);
  assert.ok(error.stack?.includes("errors_test"));
});

test("an address and a cause are there only when given", () => {
  const bare = new ZmqError("EINVAL");
  assert.deepEqual(Object.keys(bare).sort(), ["code", "errno"]);
  assert.ok(!("cause" in bare));
  const cause = new Error("below");
  const full = new ZmqError("EINVAL", { address: "tcp://x", cause });
  assert.equal(full.address, "tcp://x");
  assert.equal(full.cause, cause);
});

test("a text can be replaced", () => {
  const error = new ZmqError("EBUSY", { message: BUSY_MESSAGES.send });
  assert.equal(
    error.message,
    "Socket is busy writing; only one send operation may be in progress " +
      "at any time",
  );
});

test("the brand is recognised across copies of the package", () => {
  const other = Object.create({ [Symbol.for("purezmq.ZmqError")]: true });
  assert.ok(other instanceof ZmqError);
  for (const value of [null, undefined, 1, {}, new Error("x")]) {
    assert.ok(!((value as unknown) instanceof ZmqError));
  }
});

test("a system error keeps the number of the system", () => {
  const error = systemError("EADDRINUSE", -98, "tcp://*:80");
  assert.equal(error.code, "EADDRINUSE");
  assert.equal(error.errno, 98);
  assert.equal(error.message, "Address already in use");
  assert.equal(error.address, "tcp://*:80");
});

test("two names of one condition become one code", () => {
  assert.equal(systemError("EOPNOTSUPP", 95).code, "ENOTSUP");
  assert.equal(systemError("EWOULDBLOCK", 11).code, "EAGAIN");
});

test("an unknown system error still says what it was", () => {
  const named = systemError("EXYZ", -7777);
  assert.equal(named.code, "EUNKNOWN");
  assert.equal(named.errno, 7777);
  assert.equal(named.message, "Unknown error EXYZ");
  assert.equal(systemError("", 7777).message, "Unknown error 7777");
});
