import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import { host, readEnvironment } from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";
import { runScript } from "./run_script.ts";

const NAME = "PUREZMQ_TEST_VARIABLE";

function withVariable<T>(value: string, body: () => T): T {
  process.env[NAME] = value;
  try {
    return body();
  } finally {
    delete process.env[NAME];
  }
}

test("a variable is read, and an empty one is as if unset", () => {
  assert.equal(withVariable("a value", () => readEnvironment(NAME)), "a value");
  assert.equal(withVariable("", () => readEnvironment(NAME)), null);
  assert.equal(readEnvironment(NAME), null);
});

test("workers find the variables too", () => {
  const permissions = ["--allow-ffi", "--allow-read", `--allow-env=${NAME}`];
  const result = withVariable(
    "a value",
    () => runScript("environment.ts", [], permissions),
  );
  assert.equal(result.stdout, "main a value\nworker value\n", result.stderr);
});

testUnless(
  host.runtime === "deno" ? null : "only Deno has permissions",
  "without permission a variable is as if unset, and nobody is asked",
  () => {
    const result = withVariable(
      "a value",
      () => runScript("environment.ts", [], ["--allow-ffi", "--allow-read"]),
    );
    assert.equal(result.stdout, "main null\nworker null\n", result.stderr);
    assert.equal(result.stderr, "");
  },
);
