import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { signalName, signalNumber } from "../../../ffi/mod.ts";
import { signalTableOf } from "../../../ffi/signal_number.ts";
import { host } from "../../../ffi/mod.ts";

test("signals have the numbers that the runtime knows", () => {
  for (const [name, number] of Object.entries(signalTableOf(host.os))) {
    const known = (constants.signals as Record<string, number>)[name];
    if (known !== undefined) assert.equal(number, known, name);
    assert.equal(signalNumber(name), number);
    assert.equal(signalName(number), name);
  }
});

test("each system has its own numbers", () => {
  const linux = signalTableOf("linux");
  for (const os of ["darwin", "freebsd"] as const) {
    const bsd = signalTableOf(os);
    assert.deepEqual(
      [bsd["SIGUSR1"], bsd["SIGUSR2"], bsd["SIGBUS"], bsd["SIGCHLD"]],
      [30, 31, 10, 20],
    );
    assert.equal(bsd["SIGTERM"], linux["SIGTERM"]);
    assert.equal(new Set(Object.values(bsd)).size, Object.keys(bsd).length);
  }
  assert.deepEqual(
    [linux["SIGUSR1"], linux["SIGUSR2"], linux["SIGBUS"], linux["SIGCHLD"]],
    [10, 12, 7, 17],
  );
});

test("what is no signal has no number", () => {
  for (const name of ["", "SIGNONE", "sigterm", "__proto__", "toString"]) {
    assert.equal(signalNumber(name), 0);
  }
  assert.equal(signalName(99), "SIG99");
});
