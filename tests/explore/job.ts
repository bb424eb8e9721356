// A piece of the work: one scenario, over the sources as they are or with one
// mistake in them.
import { type Build, build } from "./build.ts";
import { checkNames } from "./execution.ts";
import type { Result } from "./depth_first.ts";
import { Explorer } from "./explorer.ts";
import type { Mutant } from "./mutants.ts";
import type { Scenario } from "./scenario.ts";
import { StateSearch } from "./state_search.ts";
import { nameSites } from "./shadow.ts";
import { TUNINGS } from "./tunings.ts";
import { walk } from "./walk.ts";

/** All scenarios; a program of them imports all that is explored. */
const ALL = "tests/explore/scenarios/all.ts";

/** What a worker is asked to do. */
export interface Job {
  readonly scenario: string;
  readonly mutant: Mutant | null;
  /** Goes as far as the scenario says for `explore:deep`. */
  readonly deep: boolean;
  /** Without what `execution.ts` lets threads forget. */
  readonly remember: boolean;
  /** Random walks instead of a search: how many, and from which seed. */
  readonly walks: number;
  readonly seed: number;
  /** When it is cut off. */
  readonly millisecondsMax: number;
}

/** What came of it. */
export interface Outcome {
  readonly job: Job;
  readonly result: Result;
}

let real: { build: Build; scenarios: readonly Scenario[] } | null = null;

/** The scenarios over the sources as they are. */
export async function realScenarios(): Promise<readonly Scenario[]> {
  if (real === null) {
    real = await loadScenarios(null);
    checkNames(real.scenarios, real.build.sites);
  }
  nameSites(real.build.sites);
  return real.scenarios;
}

async function loadScenarios(
  mutant: Mutant | null,
): Promise<{ build: Build; scenarios: readonly Scenario[] }> {
  const made = build([ALL], [...TUNINGS, ...(mutant?.edits ?? [])]);
  try {
    const { scenarios } = await made.load(
      ALL,
    ) as typeof import("./scenarios/all.ts");
    nameSites(made.sites);
    return { build: made, scenarios };
  } finally {
    made.remove();
  }
}

/** A scenario, searched as far as `explore` or `explore:deep` goes. */
export function chosen(
  all: readonly Scenario[],
  { scenario, deep, remember }: Pick<Job, "scenario" | "deep" | "remember">,
): Scenario {
  const found = all.find(({ name }) => name === scenario);
  if (found === undefined) throw new Error(`No scenario ${scenario}`);
  const search = deep ? found.deep ?? found.search : found.search;
  return { ...found, search: { ...search, remembers: remember } };
}

/** Does a job. */
export async function runJob(job: Job): Promise<Outcome> {
  const scenarios = job.mutant === null
    ? await realScenarios()
    : (await loadScenarios(job.mutant)).scenarios;
  const scenario = chosen(scenarios, job);
  return { job, result: resultOf(scenario, job) };
}

function resultOf(scenario: Scenario, job: Job): Result {
  const { walks, seed, millisecondsMax } = job;
  if (walks > 0) return walk(scenario, walks, seed, millisecondsMax);
  return scenario.search?.states
    ? new StateSearch(scenario, millisecondsMax).run()
    : new Explorer(scenario, millisecondsMax).run();
}
