// Whether the runtime's atomics order what the library takes for ordered, on
// real threads. `explore:deep` sets PUREZMQ_LITMUS to 100,000,000 iterations.
import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import { KeepAlive, spawnWorker } from "../../../ffi/mod.ts";
import { until, within } from "../../support/wait.ts";
import {
  LITMUS_BYTES,
  type LitmusTask,
  PLACES,
  play,
  type Shape,
} from "./fixtures/litmus.ts";

const ITERATIONS = Number(process.env["PUREZMQ_LITMUS"] ?? "2000000");
const LIMIT_MS = 280_000;
/** Runs before two that do not meet are a failure. */
const RUNS_MAX = 30;

/** Both sides' observations of a place, as `mine * 4 + theirs`: how often. */
async function run(shape: Shape): Promise<number[]> {
  const words = new Int32Array(new SharedArrayBuffer(LITMUS_BYTES));
  const seen = [0, 1].map(() => new Uint8Array(new SharedArrayBuffer(PLACES)));
  const [mine, theirs] = seen as [Uint8Array, Uint8Array];
  const rounds = Math.ceil(ITERATIONS / PLACES);
  const task: LitmusTask = { words, shape, rounds };
  const url = new URL("./fixtures/litmus_worker.ts", import.meta.url).href;
  const worker = spawnWorker(url, { task, seen: theirs });
  const keepAlive = new KeepAlive(() => {}, 60_000);
  keepAlive.retain();
  const ended = new Promise<void>((resolve, reject) =>
    worker.onExit((error) => error === null ? resolve() : reject(error))
  );
  // It has come to the first meeting: from here on this thread may block.
  await until(() => Atomics.load(words, 0) > 0, "the worker to start");
  const outcomes = new Array<number>(16).fill(0);
  play(task, 0, mine, () => {
    for (let place = 0; place < PLACES; place++) {
      const outcome = (mine[place] as number) * 4 + (theirs[place] as number);
      outcomes[outcome] = (outcomes[outcome] as number) + 1;
    }
  });
  await within(ended, "the worker to end", LIMIT_MS);
  keepAlive.release();
  return outcomes;
}

/** Runs until the two have met: on a busy machine one may always be first. */
async function runUntil(
  shape: Shape,
  met: (outcomes: readonly number[]) => boolean,
): Promise<number[]> {
  const all = new Array<number>(16).fill(0);
  for (let runs = 0; runs < RUNS_MAX && !met(all); runs++) {
    const outcomes = await run(shape);
    for (const [at, times] of outcomes.entries()) {
      all[at] = (all[at] ?? 0) + times;
    }
  }
  return all;
}

function kinds(outcomes: readonly number[]): number {
  return outcomes.filter((times) => times > 0).length;
}

describe(`litmus: ${ITERATIONS} times`, () => {
  test("message passing: no flag without its message", async (t) => {
    const came = (outcomes: readonly number[]) => (outcomes[1] as number) > 0;
    const outcomes = await runUntil("message", came);
    t.diagnostic?.(`message passing: ${outcomes.slice(0, 3).join(" ")}`);
    assert.equal(outcomes[2], 0, "a flag without its message");
    assert.ok(came(outcomes), "messages came");
  });

  test("store buffers: one of two sees the other", async (t) => {
    const met = (outcomes: readonly number[]) => kinds(outcomes) > 1;
    const outcomes = await runUntil("buffer", met);
    t.diagnostic?.(`store buffers: ${outcomes.slice(0, 6).join(" ")}`);
    assert.equal(outcomes[0], 0, "neither saw the other");
    assert.ok(met(outcomes), "the two did meet");
  });

  test("store buffers, without atomics: what the test would see", async (t) => {
    const outcomes = await run("plain-buffer");
    // What is allowed need not happen; on most machines it does.
    t.diagnostic?.(`plain store buffers: ${outcomes.slice(0, 6).join(" ")}`);
    const all = outcomes.reduce((sum, times) => sum + times, 0);
    assert.equal(all, Math.ceil(ITERATIONS / PLACES) * PLACES);
  });
});
