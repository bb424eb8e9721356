// Programs that are bundled: their threads start from the module that they
// name, and nothing is run a second time when they name none.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath as pathOf } from "node:url";
import { findBun } from "../support/executables.ts";
import { JsonChild } from "../support/json_child.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/ports.ts";
import { commandFor, runtime } from "../support/runtime.ts";
import { testUnless } from "../support/skip.ts";
import { within } from "../support/wait.ts";

const PROGRAM = pathOf(
  new URL("../support/children/bundled.ts", import.meta.url),
);
const ENTRY = pathOf(new URL("../../src/io_thread_entry.ts", import.meta.url));
/** Where it is when it has been bundled. */
const BUNDLED_ENTRY = "./io_thread_entry.js";

const RECEIVED = [
  "begins",
  "received 104857600 bytes, the last one 7",
  "ends",
];

/** Time for a program to send itself a large message, beside other tests. */
const RUN_MS = 60_000;

function build(...args: string[]): void {
  const run = spawnSync(findBun().path, ["build", "--target=bun", ...args], {
    encoding: "utf8",
  });
  assert.equal(run.status, 0, run.stderr);
}

/** The lines that a program writes until it has ended by itself. */
async function linesOf(
  command: string,
  args: readonly string[],
): Promise<readonly string[]> {
  const child = new JsonChild(command, args);
  try {
    const code = await within(child.exited, "the end of the program", RUN_MS);
    assert.equal(code, 0, child.errors);
    return child.output;
  } finally {
    await child.stop();
  }
}

function assertRefused(lines: readonly string[]): void {
  assert.deepEqual([lines[0], ...lines.slice(2)], ["begins", "ends"]);
  assert.match(lines[1] ?? "", /^ENOTSUP: .*bundled.*workerUrl/);
}

describe("a bundle", () => {
  let folder: TemporaryFolder;
  before(() => {
    folder = temporaryFolder();
    const naming = ["--outdir", folder.path, "--entry-naming", "[name].js"];
    build(...naming, PROGRAM, ENTRY);
  });
  after(() => folder.remove());

  /** Runs it in the runtime that runs the test. */
  function run(...args: string[]): Promise<readonly string[]> {
    const line = commandFor(folder.file("bundled.js"), args);
    return linesOf(line.command, line.args);
  }

  test("has all its threads when it says where they start", async () => {
    assert.deepEqual(await run(BUNDLED_ENTRY), RECEIVED);
  });

  test("is told so when it does not, and runs once", async () => {
    assertRefused(await run());
  });
});

describe("a compiled program", () => {
  const obstacle = runtime === "bun" ? false : "Bun compiles for itself";

  testUnless(obstacle, "does as a bundle does", async () => {
    using folder = temporaryFolder();
    // Only what lies in one folder has a short name in the executable.
    const main = folder.file("main.ts");
    writeFileSync(main, `import ${JSON.stringify(PROGRAM)};`);
    const entry = folder.file("io_thread_entry.ts");
    writeFileSync(entry, `import ${JSON.stringify(ENTRY)};`);
    const program = folder.file("program");
    build("--compile", "--outfile", program, main, entry);
    assert.deepEqual(await linesOf(program, [BUNDLED_ENTRY]), RECEIVED);
    assertRefused(await linesOf(program, []));
  });
});
