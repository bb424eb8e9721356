// The table of tests/explore/README.md, from the outcomes of a run.
import type { Outcome } from "./job.ts";
import { sectionOf, withSection } from "./readme_section.ts";
import type { Scenario } from "./scenario.ts";

/**
 * The text with the table of a run in the place of the one before, whose rows
 * stay for scenarios that were not run.
 *
 * @param seconds What the run took, null when it was not a whole one.
 */
export function writeTable(
  text: string,
  scenarios: readonly Scenario[],
  outcomes: readonly Outcome[],
  seconds: number | null,
): string {
  const before = sectionOf(text, "table");
  const rows = scenarios.flatMap((scenario) => {
    const row = rowOf(scenario, outcomes);
    return row.length > 0
      ? row
      : before.filter((line) => line.startsWith(`| ${scenario.name} `));
  });
  const executions = rows.reduce(
    (sum, row) => sum + Number(row.split("|")[4]),
    0,
  );
  const mutants = rows.join().split("(after ").length - 1;
  const time = seconds === null
    ? ""
    : `, ${seconds.toFixed(0)} s in two workers`;
  return withSection(text, "table", [
    "| Scenario | Shows | Bound | Executions | Steps | Seconds | Mutants killed |",
    "| --- | --- | --- | ---: | ---: | ---: | --- |",
    ...rows,
    "",
    `${rows.length} scenarios, ${executions} executions, ${mutants} mutants` +
    `${time}.`,
  ]);
}

function rowOf(scenario: Scenario, outcomes: readonly Outcome[]): string[] {
  const mine = outcomes.filter(({ job }) => job.scenario === scenario.name);
  const search = mine.find(({ job }) => job.mutant === null && job.walks === 0);
  if (search === undefined) return [];
  const { executions, steps, milliseconds } = search.result;
  const mutants = mine.flatMap(({ job, result }) =>
    job.mutant === null
      ? []
      : [`${job.mutant.name} (after ${result.executions})`]
  );
  const cells = [
    scenario.name,
    scenario.what,
    boundOf(scenario, search.result.states),
    `${executions}`,
    `${steps}`,
    (milliseconds / 1000).toFixed(1),
    mutants.join("; "),
  ];
  return [`| ${cells.join(" | ")} |`];
}

/** How far a scenario was searched, in words. */
function boundOf({ search }: Scenario, states: number | undefined): string {
  const words = [
    search?.preemptions === undefined
      ? "complete"
      : `${search.preemptions} preemptions`,
  ];
  if (search?.scheduleAt !== undefined) {
    words.push(`at each ${search.scheduleAt}`);
  }
  if (search?.scheduleIn) words.push(`and in ${search.scheduleIn.join(", ")}`);
  if (states !== undefined) words.push(`${states} states`);
  if ((search?.spurious ?? 0) > 0) words.push("spurious wake-up");
  if ((search?.timeouts ?? 0) > 0) words.push("time-out");
  if (search?.stops !== undefined) words.push("stop at any step");
  return words.join(", ");
}
