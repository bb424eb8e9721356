// deno-lint-ignore-file no-console -- this program's output is its purpose.
/**
 * `deno task explore`: runs the real lock-free sources under all orders of
 * their accesses, and then with mistakes in them that must be found. See
 * tests/explore/README.md.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  compareWithFiner,
  type Comparison,
  isCompared,
} from "./explore/fine.ts";
import {
  chosen,
  type Job,
  type Outcome,
  realScenarios,
} from "./explore/job.ts";
import { MUTANTS } from "./explore/mutants.ts";
import { parsePath } from "./explore/path.ts";
import { writePipeTable } from "./explore/pipe_table.ts";
import { checkRefusals } from "./explore/refusals.ts";
import type { Scenario } from "./explore/scenario.ts";
import { writeTable } from "./explore/table.ts";
import { replay } from "./explore/walk.ts";

/** Workers; each keeps a core busy. */
const WORKERS = 2;

/** Times that each litmus shape is tried for each minute of a deep run. */
const LITMUS_ITERATIONS = 10_000_000;

/** Random walks of each scenario in a deep run, at the most. */
const WALKS = 1_000_000;

/** What each search has that is compared with another one, ms. */
const FINE_MILLISECONDS = 300_000;

/** What part of a deep run's time they have. */
const WALKS_SHARE = 0.3;

/** Minutes of a deep run, before the litmus tests, when nothing is said. */
const MINUTES = 10;

const README = new URL("./explore/README.md", import.meta.url);

interface Options {
  deep: boolean;
  remember: boolean;
  fine: boolean;
  seed: number;
  minutes: number;
  write: boolean;
  replay: string | null;
  only: string[];
}

const USAGE = `deno task explore [OPTION…] [PART OF A SCENARIO'S NAME…]
  --replay NAME@PATH  prints one execution, step by step
  --write             writes the table into tests/explore/README.md, or the rows
                      of those that were run
  --remember          searches of states in which threads forget nothing that
                      they have seen, and no mutants
  --fine              compares searches of whole contexts at commands with finer
                      ones, and does no more
  --deep              goes further, with random walks, and no mutants
  --minutes=N         how long that takes (${MINUTES}); searches that are not at
                      their end by then are cut off, each after its share. Each
                      litmus test then runs ${LITMUS_ITERATIONS} times for each minute
  --seed N            where the walks begin`;

function readOptions(args: readonly string[]): Options {
  const options: Options = {
    deep: false,
    remember: false,
    fine: false,
    seed: crypto.getRandomValues(new Uint32Array(1))[0] as number,
    minutes: MINUTES,
    write: false,
    replay: null,
    only: [],
  };
  const rest = [...args];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === "--deep") options.deep = true;
    else if (next === "--remember") options.remember = true;
    else if (next === "--fine") options.fine = true;
    else if (next === "--write") options.write = true;
    else if (next === "--seed") options.seed = Number(rest.shift());
    else if (next.startsWith("--minutes=")) {
      options.minutes = Number(next.slice("--minutes=".length));
    } else if (next === "--replay") options.replay = rest.shift() ?? "";
    else if (next.startsWith("-")) {
      console.log(USAGE);
      process.exit(next === "--help" ? 0 : 2);
    } else options.only.push(next);
  }
  return options;
}

function isWanted(name: string, { only }: Options): boolean {
  return only.length === 0 || only.some((part) => name.includes(part));
}

/** The work: the searches, then the mistakes that they must find. */
function jobsOf(scenarios: readonly Scenario[], options: Options): Job[] {
  const { deep, remember } = options;
  const wanted = (name: string): boolean => isWanted(name, options);
  const searches = scenarios.filter(({ name, search }) =>
    wanted(name) && (!remember || search?.scheduleAt !== undefined)
  ).map(({ name }) => jobOf(name, { deep, remember }));
  if (deep || remember) return searches;
  const mutants = MUTANTS.flatMap((mutant) =>
    mutant.scenarios.filter(wanted).map((name) => jobOf(name, { mutant }))
  );
  return [...searches, ...mutants];
}

function jobOf(scenario: string, more: Partial<Job>): Job {
  return {
    scenario,
    mutant: null,
    deep: false,
    remember: false,
    walks: 0,
    seed: 0,
    millisecondsMax: Infinity,
    ...more,
  };
}

/** A deep run: walks for breadth, then searches for as long as is left. */
async function runDeep(
  searches: readonly Job[],
  { seed, minutes }: Options,
): Promise<Outcome[]> {
  const milliseconds = minutes * 60_000;
  const until = performance.now() + milliseconds;
  const walks = searches.map((job) => ({ ...job, walks: WALKS, seed }));
  return [
    ...await runAll(walks, until - milliseconds * (1 - WALKS_SHARE)),
    ...await runAll(searches, until),
  ];
}

/**
 * Has all jobs done.
 *
 * @param until When that is to be over: each has its share of the time, and
 * leaves what it does not need to those after it.
 */
async function runAll(
  jobs: readonly Job[],
  until = Infinity,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...jobs];
  const share = (): number => {
    const left = Math.max(0, until - performance.now());
    return Math.min(left, left * WORKERS / (waiting.length + 1));
  };
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const next = (): void => {
        const job = waiting.shift();
        if (job === undefined) resolve();
        else worker.postMessage({ ...job, millisecondsMax: share() });
      };
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = (
        { data }: MessageEvent<Outcome & { error?: string }>,
      ) => {
        if (data.error !== undefined) {
          reject(new Error(`${nameOf(data.job)}: ${data.error}`));
          return;
        }
        outcomes.push(data);
        console.log(lineOf(data));
        next();
      };
      next();
    });
  const workers = Array.from(
    { length: WORKERS },
    () =>
      new Worker(new URL("./explore/worker.ts", import.meta.url), {
        type: "module",
      }),
  );
  try {
    await Promise.all(workers.map(work));
  } finally {
    for (const worker of workers) worker.terminate();
  }
  return outcomes;
}

function nameOf({ scenario, mutant, walks }: Job): string {
  if (mutant !== null) return `${scenario} with: ${mutant.name}`;
  return walks > 0 ? `${scenario}, walks` : scenario;
}

/** Says nothing of a mistake but that its text is none of a program. */
const NO_PROGRAM =
  /^(Reference|Syntax|Type)Error|more than|cannot hold|cannot wait/;

/** Whether an outcome is as it must be: a mistake is found, or nothing is. */
function isGood({ job, result }: Outcome): boolean {
  return (job.mutant !== null) === (result.failure !== null) &&
    !NO_PROGRAM.test(result.failure?.message ?? "");
}

function lineOf(outcome: Outcome): string {
  const { job, result } = outcome;
  const { failure, executions } = result;
  const seconds = (result.milliseconds / 1000).toFixed(1);
  const verdict = isGood(outcome)
    ? job.mutant === null ? "ok     " : "killed "
    : job.mutant === null
    ? "FAILED "
    : "ALIVE  ";
  const cut = result.cut ? ", cut off" : "";
  const line = `${verdict} ${
    nameOf(job)
  }: ${executions} executions, ${seconds} s${cut}`;
  if (failure === null || (job.mutant !== null && isGood(outcome))) return line;
  // The steps of a path are those of the search that found it.
  const command = job.deep ? "explore:deep" : "explore";
  return `${line}\n  ${failure.message}\n` +
    `  deno task ${command} --replay '${job.scenario}@${failure.path}'`;
}

async function showPath(text: string, deep: boolean): Promise<void> {
  const [name = "", path] = text.split("@");
  const scenario = chosen(await realScenarios(), {
    scenario: name,
    deep,
    remember: false,
  });
  replay(scenario, parsePath(path ?? ""), (thread, what) => {
    console.log(`${(scenario.threads[thread] ?? "scene").padEnd(10)} ${what}`);
  });
}

/** What finer searches come to; false when that is anything else. */
function compareAll(
  scenarios: readonly Scenario[],
  options: Options,
): boolean {
  const found = scenarios
    .filter((each) => isCompared(each) && isWanted(each.name, options))
    .flatMap((scenario) => {
      const compared = [...compareWithFiner(scenario, FINE_MILLISECONDS)];
      for (const each of compared) console.log(lineOfComparison(each));
      return compared;
    });
  const bad = found.filter((each) => !isSame(each)).length;
  console.log(`explore: ${found.length} comparisons, ${bad} not the same`);
  return bad === 0 && found.length > 0;
}

function lineOfComparison(compared: Comparison): string {
  const { scenario, how, failure, executions, states } = compared;
  const { ends, objects, newEnds, newObjects } = compared;
  return `${isSame(compared) ? "ok     " : "FAILED "} ${scenario}, ${how}: ` +
    `${executions} executions, ${states} states` +
    `${compared.cut ? ", cut off" : ""}; ${ends} ends (${newEnds} new), ` +
    `${objects} states of objects (${newObjects} new)` +
    `${failure === null ? "" : `\n  ${failure}`}`;
}

function isSame({ failure, newEnds, newObjects }: Comparison): boolean {
  return failure === null && newEnds === 0 && newObjects === 0;
}

/** The litmus tests at length, in both runtimes. */
function runLitmus(iterations: number): boolean {
  const tests = fileURLToPath(new URL("./run.ts", import.meta.url));
  const run = spawnSync(
    Deno.execPath(),
    [
      "run",
      "-A",
      tests,
      "--no-setup",
      "--timeout",
      "900",
      "unit/memory/litmus",
      "unit/shm/litmus",
    ],
    {
      env: { ...process.env, PUREZMQ_LITMUS: `${iterations}` },
      stdio: "inherit",
    },
  );
  return run.status === 0;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.replay !== null) {
    await showPath(options.replay, options.deep);
    return;
  }
  if (options.fine) {
    process.exit(compareAll(await realScenarios(), options) ? 0 : 1);
  }
  if (options.deep) console.log(`seed ${options.seed}`);
  const scenarios = await realScenarios();
  const started = performance.now();
  const jobs = jobsOf(scenarios, options);
  const outcomes = options.deep
    ? await runDeep(jobs, options)
    : await runAll(jobs);
  const refusals = checkRefusals();
  for (const line of refusals.lines) console.log(line);
  const bad = refusals.bad +
    outcomes.filter((outcome) => !isGood(outcome)).length;
  const seconds = (performance.now() - started) / 1000;
  const isWhole = !options.deep && !options.remember;
  if (options.write && isWhole && bad === 0) {
    const text = readFileSync(README, "utf8");
    const whole = options.only.length === 0;
    const table = writeTable(
      text,
      scenarios,
      outcomes,
      whole ? seconds : null,
    );
    writeFileSync(README, whole ? writePipeTable(table) : table);
  }
  if (options.deep) {
    const litmus = runLitmus(options.minutes * LITMUS_ITERATIONS);
    console.log(deepSummary(outcomes, options.seed));
    process.exit(bad > 0 || outcomes.length === 0 || !litmus ? 1 : 0);
  }
  const killed = outcomes.filter(({ job }) => job.mutant !== null).length;
  console.log(
    `explore: ${outcomes.length - killed} searches and ${killed} mutants, ` +
      `${bad} not as they must be, ${seconds.toFixed(0)} s`,
  );
  process.exit(bad > 0 || outcomes.length === 0 ? 1 : 0);
}

/** What a deep run came to. */
function deepSummary(outcomes: readonly Outcome[], seed: number): string {
  const sum = (some: readonly Outcome[]): number =>
    some.reduce((total, { result }) => total + result.executions, 0);
  const walks = outcomes.filter(({ job }) => job.walks > 0);
  const searches = outcomes.filter(({ job }) => job.walks === 0);
  const cut = searches.filter(({ result }) => result.cut);
  const bad = outcomes.filter((outcome) => !isGood(outcome));
  return `explore:deep: seed ${seed}, ${sum(walks)} walks of ` +
    `${walks.length} scenarios, ${searches.length - cut.length} searches to ` +
    `their end, ${cut.length} cut off ` +
    `(${cut.map(({ job }) => job.scenario).join(", ")}), ` +
    `${sum(searches)} executions, ${bad.length} not as they must be`;
}

await main();
