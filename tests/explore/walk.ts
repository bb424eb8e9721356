// Executions that no search chooses: random ones, and one that is run again.
import { noResult, type Result, STEPS_MAX } from "./depth_first.ts";
import { Execution, type Observer } from "./execution.ts";
import { formatPath, type PathStep } from "./path.ts";
import type { Scenario } from "./scenario.ts";

/** After so many steps on end a thread lets the others go first in a walk. */
const RUN_MAX = 1_000;

/**
 * Random executions: each gives its threads priorities, and takes the highest
 * one's away at a few steps (Burckhardt and others: A Randomized Scheduler with
 * Probabilistic Guarantees of Finding Bugs, ASPLOS 2010).
 */
export function walk(
  scenario: Scenario,
  walks: number,
  seed: number,
  millisecondsMax: number = Infinity,
): Result {
  const started = performance.now();
  const result = noResult();
  const random = randomFrom(seed);
  scenario.begin?.();
  let length = 100;
  while (
    result.executions < walks && result.failure === null && !result.cut
  ) {
    result.cut = performance.now() - started > millisecondsMax;
    const path: { thread: number; picks: number[] }[] = [];
    const order = scenario.threads.map(() => random(2 ** 30));
    const changes = new Set([random(length), random(length), random(length)]);
    try {
      const execution = new Execution(scenario);
      for (let run = 0;;) {
        const { enabled } = execution;
        if (enabled === 0) {
          if (execution.end()) continue;
          break;
        }
        const thread = highest(enabled, order);
        const step = { thread, picks: [] as number[] };
        run = thread === path.at(-1)?.thread ? run + 1 : 0;
        if (run === RUN_MAX || changes.has(path.length)) {
          order[thread] = -path.length;
        }
        path.push(step);
        if (path.length > STEPS_MAX) throw new Error("it does not end");
        execution.step(thread, (alternatives) => {
          const pick = random(20) === 0 ? random(alternatives) : 0;
          step.picks.push(pick);
          return pick;
        });
      }
    } catch (error) {
      result.failure = {
        message: String(error),
        path: formatPath(path),
      };
    }
    length = path.length;
    result.executions++;
    result.steps += path.length;
  }
  result.milliseconds = performance.now() - started;
  return result;
}

/** The enabled thread with the highest priority. */
function highest(enabled: number, order: readonly number[]): number {
  let best = -1;
  order.forEach((priority, thread) => {
    if ((enabled & (1 << thread)) === 0) return;
    if (best < 0 || priority > (order[best] as number)) best = thread;
  });
  return best;
}

/** Numbers below a limit that follow from a seed. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % limit;
  };
}

/** Runs one execution again, step by step. */
export function replay(
  scenario: Scenario,
  path: readonly PathStep[],
  observer: Observer,
): void {
  const execution = new Execution(scenario, observer);
  for (const { thread, picks } of path) {
    while (execution.enabled === 0) if (!execution.end()) return;
    let choice = 0;
    execution.step(thread, () => picks[choice++] ?? 0);
  }
  // The path ends where it failed, if not with the last step then here.
  while (execution.enabled === 0) if (!execution.end()) return;
}
