// The start-up row: a program that imports the library and passes its first
// message over inproc, against an empty program that starts one Worker, taken
// in turns in the same run.

import type { Contestant } from "./contestants.ts";
import { runAlone } from "./harness.ts";

/** Milliseconds of each run, taken pair by pair. */
export interface StartupSamples {
  /** From the start of the process to the first message. */
  readonly messageMs: number[];
  /** From the start of the process to the Worker's first sign. */
  readonly workerMs: number[];
  /** The whole life of the program with the message. */
  readonly messageWholeMs: number[];
  /** The whole life of the program with the Worker. */
  readonly workerWholeMs: number[];
}

/** Measures `pairs` pairs of starts in one runtime. */
export async function measureStartup(
  contestant: Contestant,
  pairs: number,
  timeoutMs: number,
): Promise<StartupSamples> {
  const samples: StartupSamples = {
    messageMs: [],
    workerMs: [],
    messageWholeMs: [],
    workerWholeMs: [],
  };
  // The first start fills the runtime's caches of compiled sources.
  await oneStart(contestant, "startup_message", timeoutMs);
  await oneStart(contestant, "startup_worker", timeoutMs);
  for (let pair = 0; pair < pairs; pair++) {
    const message = await oneStart(contestant, "startup_message", timeoutMs);
    const worker = await oneStart(contestant, "startup_worker", timeoutMs);
    samples.messageMs.push(message.firstMs);
    samples.messageWholeMs.push(message.wholeMs);
    samples.workerMs.push(worker.firstMs);
    samples.workerWholeMs.push(worker.wholeMs);
  }
  return samples;
}

async function oneStart(
  contestant: Contestant,
  program: string,
  timeoutMs: number,
): Promise<{ firstMs: number; wholeMs: number }> {
  const start = performance.timeOrigin + performance.now();
  const stdout = await runAlone(
    contestant.command(program, [], "sync"),
    timeoutMs,
  );
  const end = performance.timeOrigin + performance.now();
  return { firstMs: Number(stdout) - start, wholeMs: end - start };
}
