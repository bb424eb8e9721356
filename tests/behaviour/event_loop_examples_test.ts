// The examples in the documentation of the event loops, each as a program of
// its own: it succeeds, and says nothing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { docExamples } from "../support/doc_examples.ts";
import { commandFor } from "../support/runtime.ts";
import { within } from "../support/wait.ts";

function run(path: string): Promise<{ code: number | null; said: string }> {
  const { command, args } = commandFor(path, []);
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => said += String(chunk));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, said }));
  });
}

describe("an example of the event loops:", () => {
  const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
  after(() => rmSync(folder, { recursive: true }));

  const examples = docExamples("src/event_loop");
  for (const [index, { title, source }] of examples.entries()) {
    test(title, async () => {
      const path = join(folder, `example_${index}.ts`);
      writeFileSync(path, source);
      const { code, said } = await within(run(path), "its end", 60_000);
      assert.equal(said, "");
      assert.equal(code, 0);
    });
  }

  test("there is one for each kind of source", () => {
    const titles = examples.map(({ title }) => title).join("\n");
    for (
      const kind of [
        /echo/i,
        /time-outs/,
        /process/,
        /files/,
        /signal/i,
        /wake/,
      ]
    ) {
      assert.match(titles, kind);
    }
  });
});
