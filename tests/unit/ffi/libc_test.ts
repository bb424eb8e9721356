import { testUnless } from "../../support/skip.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closeFd,
  errnoNumber,
  host,
  openLibc,
  openSocketPair,
  receive,
} from "../../../ffi/mod.ts";
import { INTERRUPTED, outcome, syscall } from "../../../ffi/libc.ts";
import { runScript } from "./run_script.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const noPermissions = host.runtime !== "deno" && "only Deno has permissions";

test("libc is opened once per thread", () => {
  assert.equal(openLibc(), openLibc());
});

test("a failed call gives its own negative errno", () => {
  const libc = openLibc();
  assert.equal(outcome(libc, libc.call.close(-1)), -errnoNumber("EBADF"));
  assert.equal(outcome(libc, 7), 7);
  assert.equal(INTERRUPTED, -errnoNumber("EINTR"));
});

test("a failure without errno is still a failure", () => {
  const libc = openLibc();
  libc.errno[0] = 0;
  assert.equal(outcome(libc, -1), -errnoNumber("EIO"));
});

test("an interrupted call is repeated", () => {
  const libc = openLibc();
  let calls = 0;
  const result = syscall(libc, () => {
    calls++;
    if (calls === 3) return 42;
    libc.errno[0] = errnoNumber("EINTR");
    return -1;
  });
  assert.equal(result, 42);
  assert.equal(calls, 3);
});

test("garbage collection does not get between a call and its errno", () => {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  const bytes = new Uint8Array(8);
  const expected = -errnoNumber("EAGAIN");
  let kept: unknown[] = [];
  for (let i = 0; i < 100_000; i++) {
    if (receive(fds[0] as number, bytes, 0, 8) !== expected) {
      assert.fail(`wrong errno in round ${i}`);
    }
    kept.push(new Array(20).fill(i));
    if (kept.length === 1000) kept = [];
  }
  for (const fd of fds) closeFd(fd);
});

testUnless(
  noPermissions,
  "importing needs no permission and a call without it says what to do",
  () => {
    const result = runScript("import_then_call.ts", [], []);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(
      result.stdout,
      "imported\nUnsupportedPlatformError: Cannot open the C library: " +
        'permission denied; run the program with "deno run --allow-ffi"\n',
    );
  },
);

test("--allow-ffi is the only permission needed", () => {
  const result = runScript("import_then_call.ts", [], ["--allow-ffi"]);
  assert.equal(result.stdout, "imported\nnumber\n", result.stderr);
});

testUnless(
  noPermissions,
  "a permission for another library is not enough and says so",
  () => {
    const result = runScript("import_then_call.ts", [], [
      "--allow-ffi=/none.so",
    ]);
    assert.match(result.stdout, /^imported\nUnsupportedPlatformError: /);
    assert.match(result.stdout, /--allow-ffi/);
  },
);

test("leaves nothing behind", leaks.after);
