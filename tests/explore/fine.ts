// What a search at commands comes to, beside what finer ones do: what lies
// between two of its scheduling points must hide nothing.
import { fingerprint, Reached } from "./fingerprint.ts";
import type { Scenario, Search } from "./scenario.ts";
import { StateSearch } from "./state_search.ts";

/** A finer search, and what it came to that the other one did not. */
export interface Comparison {
  readonly scenario: string;
  readonly how: string;
  readonly failure: string | null;
  readonly cut: boolean;
  readonly executions: number;
  readonly states: number;
  /** Different ends and states of objects, and those that only it came to. */
  readonly ends: number;
  readonly objects: number;
  readonly newEnds: number;
  readonly newObjects: number;
}

/** The finer searches: at what points, and how far. */
const FINER: Readonly<Record<string, (search: Search) => Search>> = {
  "on the way to sleep, too, complete": (search) => ({
    ...search,
    scheduleIn: [...search.scheduleIn ?? [], "prepareSleep"],
  }),
  "at every access, 1 preemption": () => ({ states: true, preemptions: 1 }),
};

/** Whether a scenario is small enough. */
export function isCompared({ search }: Scenario): boolean {
  return search?.scheduleAt === "send, look and receive";
}

/** @param millisecondsMax What each search may take. */
export function* compareWithFiner(
  scenario: Scenario,
  millisecondsMax: number,
): Generator<Comparison> {
  const whole = reachedBy(scenario, scenario.search ?? {}, millisecondsMax);
  for (const [how, finer] of Object.entries(FINER)) {
    const search = finer(scenario.search ?? {});
    const fine = reachedBy(scenario, search, millisecondsMax);
    const failure = (whole.result.failure ?? fine.result.failure)?.message;
    yield {
      scenario: scenario.name,
      how,
      failure: failure ?? null,
      cut: whole.result.cut || fine.result.cut,
      executions: fine.result.executions,
      states: fine.result.states ?? 0,
      ends: fine.reached.ends.size,
      objects: fine.reached.objects.size,
      newEnds: missing(fine.reached.ends, whole.reached.ends),
      newObjects: missing(fine.reached.objects, whole.reached.objects),
    };
  }
}

function reachedBy(scenario: Scenario, search: Search, milliseconds: number) {
  const reached = new Reached();
  fingerprint.reached = reached;
  try {
    const run = new StateSearch({ ...scenario, search }, milliseconds);
    return { reached, result: run.run() };
  } finally {
    fingerprint.reached = null;
  }
}

/** How many are in one set and not in the other. */
function missing(some: ReadonlySet<string>, others: ReadonlySet<string>) {
  return some.difference(others).size;
}
