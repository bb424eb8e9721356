// The demo of queues in shared memory: it checks its own accounts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findDeno } from "../support/executables.ts";

const MAIN = fileURLToPath(
  new URL("../../bench/shm_demo/main.ts", import.meta.url),
);
const SECONDS = "2";
const LIMIT_MS = 60_000;

test("demo:shm accounts for every record", async () => {
  const child = spawn(findDeno().path, [
    "run",
    "-A",
    "--no-check",
    "--quiet",
    MAIN,
    SECONDS,
  ], { stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => said += text);
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, said);
  assert.match(said, /another consumer joins late/);
  assert.match(said, /^slow .* lost$/m);
  assert.match(said, /The first producer was killed after its record/);
  assert.match(said, /Every record is accounted for\./);
});
