// Whether the runtime's atomics order what the library takes for ordered, on
// real threads.
import { describe } from "node:test";
import { KeepAlive, spawnWorker } from "../../../ffi/mod.ts";
import {
  count,
  hasArrived,
  LITMUS_WORDS,
  PLACES,
  play,
  type ShapeName,
  SHAPES,
} from "../../support/litmus.ts";
import {
  BOTH_WAYS,
  LITMUS_ITERATIONS,
  LITMUS_LIMIT_MS,
  LITMUS_ROUNDS,
  ONE_WAY,
  testPlainBuffers,
  testShape,
} from "../../support/litmus_verdicts.ts";
import { until, within } from "../../support/wait.ts";
import { SharedWords } from "./fixtures/shared_words.ts";

async function run(name: ShapeName): Promise<number[]> {
  const words = new Int32Array(new SharedArrayBuffer(LITMUS_WORDS * 4));
  const [mine, theirs] = [0, 1].map(() =>
    new Uint8Array(new SharedArrayBuffer(PLACES))
  ) as [Uint8Array, Uint8Array];
  const url = new URL("./fixtures/litmus_worker.ts", import.meta.url).href;
  const rounds = LITMUS_ROUNDS;
  const worker = spawnWorker(url, { words, shape: name, rounds, seen: theirs });
  const keepAlive = new KeepAlive(() => {}, 60_000);
  keepAlive.retain();
  const ended = new Promise<void>((resolve, reject) =>
    worker.onExit((error) => error === null ? resolve() : reject(error))
  );
  const memory = new SharedWords(words);
  // From here on this thread may block.
  await until(() => hasArrived(memory), "the worker to start");
  const outcomes = new Array<number>(16).fill(0);
  const shape = SHAPES[name];
  const part = { memory, side: 0, rounds, shape, seen: mine } as const;
  play(part, () => count([mine, theirs], outcomes));
  await within(ended, "the worker to end", LITMUS_LIMIT_MS);
  keepAlive.release();
  return outcomes;
}

describe(`litmus: ${LITMUS_ITERATIONS} times`, () => {
  testShape(
    "message passing: no flag without its message",
    run,
    "message",
    ONE_WAY,
  );
  testShape(
    "store buffers: one of two sees the other",
    run,
    "buffer",
    BOTH_WAYS,
  );
  testPlainBuffers(run);
});
