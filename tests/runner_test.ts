// The runner, run on small files that misbehave: what it must notice is the
// reason that it exists, since the runtimes' own runners let much of it pass.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findDeno } from "./support/executables.ts";
import { temporaryFolder } from "./support/ports.ts";

const RUNNER = fileURLToPath(new URL("./run.ts", import.meta.url));
const SKIP = new URL("./support/skip.ts", import.meta.url).href;
const IMPORTS = `
import { after, before, describe, it, test } from "node:test";
import { testUnless } from "${SKIP}";
import process from "node:process";
import { spawn } from "node:child_process";
`;

interface RunnerResult {
  code: number | null;
  lines: string[];
  text: string;
}

/** Runs the runner on test files made of these bodies. */
function runOn(
  bodies: Record<string, string>,
  timeoutSeconds: number = 60,
): RunnerResult {
  using folder = temporaryFolder();
  for (const [name, body] of Object.entries(bodies)) {
    writeFileSync(folder.file(`${name}_test.ts`), IMPORTS + body);
  }
  const args = ["--root", folder.path, "--no-setup"];
  args.push("--timeout", String(timeoutSeconds));
  const run = spawnSync(findDeno().path, ["run", "-A", RUNNER, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = `${run.stdout}${run.stderr}`;
  return { code: run.status, lines: text.split("\n"), text };
}

/** Gone, or a zombie that its new parent has not asked about yet. */
function hasEnded(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || /\) [ZX] /.test(readFileSync(stat, "utf8"));
}

function assertClosingLine(
  { lines, text }: RunnerResult,
  counts: string,
  runtimes: readonly string[] = ["deno", "bun"],
): void {
  for (const runtime of runtimes) {
    assert.ok(lines.includes(`${runtime}: ${counts}`), text);
  }
}

test("passed and skipped tests are counted alike in both runtimes", () => {
  const run = runOn({
    good: `
      test("one", () => {});
      describe("suite", () => {
        it("two", async () => {});
        describe("inner", () => it("three & <four>", () => {}));
        testUnless("it rains", "five", () => {});
      });
      testUnless(null, "six", () => {});`,
  });
  assertClosingLine(run, "4 passed, 0 failed, 1 skipped");
  assert.equal(
    run.lines.filter((line) => line === "  skipped suite > five: it rains")
      .length,
    2,
    run.text,
  );
  assert.equal(run.code, 0);
});

test("failing tests are named with their messages", () => {
  const run = runOn({
    bad: `
      test("good", () => {});
      describe("suite", () => it("bad", () => { throw new Error("why"); }));`,
  });
  assertClosingLine(run, "1 passed, 1 failed, 0 skipped");
  assert.match(run.text, /FAILED suite > bad\n\s+Error: why/);
  assert.equal(run.code, 1);
});

test("what throws outside of a test is a failure", () => {
  const run = runOn({
    load: `test("fine", () => {}); throw new Error("at the top level");`,
    rejection: `test("r", () => { Promise.reject(new Error("nobody")); });
      test("turn", () => new Promise((resolve) => setTimeout(resolve, 20)));`,
    hook: `describe("d", () => {
      after(() => { throw new Error("in after"); });
      it("fine", () => {});
    });`,
  });
  assert.equal(run.code, 1);
  for (const file of ["load", "rejection", "hook"]) {
    for (const runtime of ["deno", "bun"]) {
      assert.match(run.text, new RegExp(`${runtime} FAILED .*/${file}_test`));
    }
  }
});

test("a file without a test and one that exits are failures", () => {
  const run = runOn({
    empty: "",
    exits: `test("exits", () => { process.exit(0); });`,
  });
  assertClosingLine(run, "0 passed, 2 failed, 0 skipped", ["bun"]);
  assert.match(run.text, /deno FAILED .*\/empty_test/);
  assert.match(run.text, /deno FAILED .*\/exits_test/);
  assert.equal(run.code, 1);
});

test("no file at all is a failure", () => {
  const run = runOn({});
  assertClosingLine(run, "0 passed, 1 failed, 0 skipped");
  assert.equal(run.code, 1);
});

test("a skip without a reason is a failure", () => {
  const run = runOn({ mute: `test("mute", { skip: true }, () => {});` });
  assertClosingLine(run, "0 passed, 1 failed, 0 skipped");
  assert.match(run.text, /skipped without a reason/);
  assert.equal(run.code, 1);
});

test("a test that only one runtime reports is a failure", () => {
  const run = runOn({
    uneven: `test("both", () => {});
      if ("Deno" in globalThis) test("deno only", () => {});`,
  });
  assertClosingLine(run, "2 passed, 0 failed, 0 skipped", ["deno"]);
  assertClosingLine(run, "1 passed, 1 failed, 0 skipped", ["bun"]);
  assert.match(run.text, /deno only: reported by deno only/);
  assert.equal(run.code, 1);
});

test("a process that is left running is a failure, and is ended", () => {
  const run = runOn({
    leaves: `test("leaves", () => {
      const child = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
      child.unref();
    });`,
  });
  assertClosingLine(run, "1 passed, 1 failed, 0 skipped");
  const left = [...run.text.matchAll(/left a process running: (\d+) sleep/g)];
  assert.ok(left.length >= 2, run.text);
  for (const [, pid] of left) {
    assert.ok(hasEnded(Number(pid)), `${pid} is still running`);
  }
  assert.equal(run.code, 1);
});

test("a file that hangs is ended by the watchdog, and the rest goes on", () => {
  const run = runOn({
    blocks: `test("blocks", () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`,
    fine: `test("fine", () => {});`,
    waits: `test("waits", () => new Promise(() => setInterval(() => {}, 99)));`,
  }, 5);
  assertClosingLine(run, "1 passed, 2 failed, 0 skipped");
  assert.equal(run.text.match(/killed by the watchdog after 5 s/g)?.length, 8);
  assert.equal(run.code, 1);
});
