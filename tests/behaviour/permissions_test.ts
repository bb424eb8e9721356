// What a program needs to be allowed under Deno, and what it hears when that
// was forgotten.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { findDeno } from "../support/executables.ts";
import { JsonChild } from "../support/json_child.ts";
import { REPOSITORY } from "../support/project.ts";
import { runtime } from "../support/runtime.ts";
import { testUnless } from "../support/skip.ts";
import { within } from "../support/wait.ts";

const PROGRAM = fileURLToPath(
  new URL("../support/children/permissions.ts", import.meta.url),
);
const obstacle = runtime === "deno" ? false : "Bun has no permissions";

/** What the program writes when it is run with these permissions alone. */
async function outputOf(...permissions: string[]): Promise<readonly string[]> {
  const flags = ["run", "--quiet", "--no-check", "--no-prompt", "--no-config"];
  const child = new JsonChild(findDeno().path, [
    ...flags,
    ...permissions,
    PROGRAM,
  ]);
  try {
    await within(child.exited, "the end of the program");
    return child.output;
  } finally {
    await child.stop();
  }
}

describe("a program that uses a local copy of the package", () => {
  testUnless(
    obstacle,
    "needs to call libc, and to read the copy for its threads",
    async () => {
      const folder = REPOSITORY.replace(/\/$/, "");
      assert.deepEqual(
        await outputOf("--allow-ffi", `--allow-read=${folder}`),
        ["a message"],
      );
    },
  );

  testUnless(obstacle, "hears why its threads did not start", async () => {
    const [line = ""] = await outputOf("--allow-ffi");
    assert.match(
      line,
      /^EOWNERDEAD: The context's (I\/O worker 0|reaper) died/,
    );
    assert.match(line, /died of \w*Error: Requires read access to "[^"]+entry/);
    const folder = REPOSITORY.replace(/\/$/, "");
    assert.ok(line.includes(`--allow-read=${folder} beside --allow-ffi`), line);
  });
});
