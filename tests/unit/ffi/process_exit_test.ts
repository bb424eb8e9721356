import assert from "node:assert/strict";
import { test } from "node:test";
import { runScript } from "./run_script.ts";
import { spawnFixture } from "./spawn_fixture.ts";

const HOOKS = "hook 2\nhook 2\n";

test("hooks run once, in order, when the event loop is empty", () => {
  const result = runScript("exit_child.ts", ["natural"]);
  assert.equal(result.stdout, HOOKS, result.stderr);
  assert.equal(result.code, 0);
});

for (const mode of ["exit", "runtime-exit"]) {
  test(`hooks run once at ${mode}`, () => {
    const result = runScript("exit_child.ts", [mode]);
    assert.equal(result.stdout, HOOKS, result.stderr);
    assert.equal(result.code, 3);
  });
}

test("a hook that throws does not keep the others from running", () => {
  const result = runScript("exit_child.ts", ["throwing-hook"]);
  assert.equal(result.stdout, `${HOOKS}after\n`, result.stderr);
  assert.match(result.stderr, /a hook failed/);
});

test("many hooks draw no warning", () => {
  const result = runScript("exit_child.ts", ["many"]);
  assert.equal(result.stdout, HOOKS);
  assert.equal(result.stderr, "");
});

test("a worker's hooks run when the worker ends", async () => {
  const fixture = spawnFixture("exit-hook", 42);
  assert.equal(await fixture.ended(), null);
  assert.equal(fixture.waitForReport().value, 42);
});
