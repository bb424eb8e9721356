import assert from "node:assert/strict";
import { test } from "node:test";
import { KeepAlive } from "../../../ffi/mod.ts";
import { runScript } from "./run_script.ts";

const EXPECTED: [string, string][] = [
  ["retained", "settled\nend\n"],
  ["twice", "settled\nend\n"],
  ["again", "settled\nend\n"],
  ["released", "end\n"],
  ["never", "end\n"],
];

for (const [mode, stdout] of EXPECTED) {
  test(`the event loop ends when it should: ${mode}`, () => {
    const result = runScript("keep_alive_child.ts", [mode]);
    assert.equal(result.stdout, stdout, result.stderr);
    assert.equal(result.code, 0);
  });
}

test("more releases than retains are refused", () => {
  const keepAlive = new KeepAlive();
  assert.throws(() => keepAlive.release(), RangeError);
  keepAlive.retain();
  keepAlive.release();
  assert.throws(() => keepAlive.release(), RangeError);
});
