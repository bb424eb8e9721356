// No leak check here: a worker that is inside a C call when it is told to end
// goes on until the call returns.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isMainThread,
  KeepAlive,
  spawnWorker,
  workerData,
} from "../../../ffi/mod.ts";
import { runScript } from "./run_script.ts";
import { spawnFixture } from "./spawn_fixture.ts";

function ended(url: string): Promise<Error | null> {
  const keepAlive = new KeepAlive();
  keepAlive.retain();
  return new Promise((resolve) =>
    spawnWorker(url, null).onExit((error) => {
      keepAlive.release();
      resolve(error);
    })
  );
}

test("a worker starts while its parent is blocked and gets its data", () => {
  // The report is waited for without going back to the event loop.
  const { value } = spawnFixture("context").waitForReport();
  assert.equal(value, 2, "it does not take itself for the main thread");
});

test("this thread has no worker data of its own", () => {
  if (isMainThread()) assert.equal(workerData() ?? null, null);
  assert.equal(typeof isMainThread(), "boolean");
});

test("the end of a worker is reported, also to those who ask late", async () => {
  const fixture = spawnFixture("end");
  assert.equal(await fixture.ended(), null);
  assert.equal(await fixture.ended(), null);
});

test("a worker can be stopped", async () => {
  const fixture = spawnFixture("thread-id");
  fixture.waitForReport();
  const ended = fixture.ended();
  fixture.worker.terminate();
  // The runtimes disagree whether a stopped worker has failed.
  const error = await ended;
  assert.ok(error === null || error instanceof Error);
});

test("errors in a worker are reported and stay there", () => {
  const result = runScript("worker_errors.ts");
  const [early, late, missing, rest] = result.stdout.split("\n");
  assert.equal(early, "thrown at once", result.stderr);
  assert.equal(late, "thrown later");
  assert.match(missing ?? "", /no_such_module/);
  assert.equal(rest, "");
  assert.equal(result.code, 0);
});

test("a running worker does not keep the process alive", () => {
  const result = runScript("worker_left_running.ts");
  assert.equal(result.stdout, "started\n", result.stderr);
  assert.equal(result.code, 0);
});

test("a module may come from any kind of URL", async () => {
  const source = "globalThis.loaded = 1";
  assert.equal(await ended(`data:text/javascript,${source}`), null);
});
