// Two copies of the library in one process: other versions of it in the
// dependencies of one program, say.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as first from "../../mod.ts";
import { leakFree } from "../support/leaks.ts";
import { expectNothingHeld, warmUp } from "../support/scenario.ts";
import { within } from "../support/wait.ts";

type Library = typeof first;

test("two copies do not disturb each other, and talk over tcp", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "purezmq-copy-"));
  try {
    for (const part of ["mod.ts", "src", "ffi"]) {
      cpSync(join(root, part), join(folder, part), { recursive: true });
    }
    const url = pathToFileURL(join(folder, "mod.ts")).href;
    const second = await import(url) as Library;
    assert.notEqual(second.Push, first.Push);
    await warmUp();
    await leakFree(() => within(useBoth(second), "both copies", 20_000))();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

async function useBoth(second: Library): Promise<void> {
  // The same name is two endpoints: a context belongs to one copy.
  const ours = new first.Pair();
  const theirs = new second.Pair();
  await ours.bind("inproc://name");
  await theirs.bind("inproc://name");

  const push = new first.Push();
  const pull = new second.Pull();
  await pull.bind("tcp://127.0.0.1:*");
  push.connect(pull.lastEndpoint as string);
  for (let n = 0; n < 100; n += 1) await push.send(`${n}`);
  for (let n = 0; n < 100; n += 1) {
    const [part] = await pull.receive();
    assert.equal(part.toString(), `${n}`);
  }

  // Errors are recognised across copies.
  const error = (() => {
    try {
      second.context.allocate(1).release();
      theirs.connect("nonsense");
    } catch (caught) {
      return caught;
    }
  })();
  assert.ok(error instanceof first.ZmqError);
  assert.equal(error.code, "EINVAL");

  push.close();
  await first.context.terminate();
  // What is over for one copy goes on in the other.
  await assert.rejects(async () => await theirs.connect("nonsense"));
  theirs.close();
  pull.close();
  await second.context.terminate();
  ours.close();
  expectNothingHeld(first.context);
  expectNothingHeld(second.context);
}
