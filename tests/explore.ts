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
import { replay } from "./explore/explorer.ts";
import { type Job, type Outcome, realScenarios } from "./explore/job.ts";
import { MUTANTS } from "./explore/mutants.ts";
import { parsePath } from "./explore/path.ts";
import { writePipeTable } from "./explore/pipe_table.ts";
import { checkRefusals } from "./explore/refusals.ts";
import type { Scenario } from "./explore/scenario.ts";
import { writeTable } from "./explore/table.ts";

/** Workers; each keeps a core busy. */
const WORKERS = 2;

/** Times that each litmus shape is tried in a deep run. */
const LITMUS_ITERATIONS = 100_000_000;

/** Random walks of each scenario in a deep run. */
const WALKS = 20_000;

const README = new URL("./explore/README.md", import.meta.url);

interface Options {
  deep: boolean;
  seed: number;
  write: boolean;
  replay: string | null;
  only: string[];
}

const USAGE = `deno task explore [OPTION…] [PART OF A SCENARIO'S NAME…]
  --replay NAME@PATH  prints one execution, step by step
  --write             writes the table into tests/explore/README.md
  --deep              goes further, with random walks
  --seed N            where those begin`;

function readOptions(args: readonly string[]): Options {
  const options: Options = {
    deep: false,
    seed: crypto.getRandomValues(new Uint32Array(1))[0] as number,
    write: false,
    replay: null,
    only: [],
  };
  const rest = [...args];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === "--deep") options.deep = true;
    else if (next === "--write") options.write = true;
    else if (next === "--seed") options.seed = Number(rest.shift());
    else if (next === "--replay") options.replay = rest.shift() ?? "";
    else if (next.startsWith("-")) {
      console.log(USAGE);
      process.exit(next === "--help" ? 0 : 2);
    } else options.only.push(next);
  }
  return options;
}

/** The work, the longest first as far as is known. */
function jobsOf(scenarios: readonly Scenario[], options: Options): Job[] {
  const { deep, seed, only } = options;
  const wanted = (name: string): boolean =>
    only.length === 0 || only.some((part) => name.includes(part));
  const searches = scenarios.filter(({ name }) => wanted(name))
    .map(({ name }): Job => ({
      scenario: name,
      mutant: null,
      deep,
      walks: 0,
      seed: 0,
    }));
  const walks = deep
    ? searches.map((job) => ({ ...job, walks: WALKS, seed }))
    : [];
  const mutants = MUTANTS.filter(({ scenario }) => wanted(scenario))
    .map((mutant): Job => ({
      scenario: mutant.scenario,
      mutant,
      deep: false,
      walks: 0,
      seed: 0,
    }));
  return [...searches, ...walks, ...mutants];
}

/** Has all jobs done. */
async function runAll(jobs: readonly Job[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...jobs];
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const next = (): void => {
        const job = waiting.shift();
        if (job === undefined) resolve();
        else worker.postMessage(job);
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

/** Whether an outcome is as it must be: a mistake is found, or nothing is. */
function isGood({ job, result }: Outcome): boolean {
  return (job.mutant !== null) === (result.failure !== null) &&
    !result.failure?.message.includes("more than");
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
  const line = `${verdict} ${
    nameOf(job)
  }: ${executions} executions, ${seconds} s`;
  if (failure === null || (job.mutant !== null && isGood(outcome))) return line;
  return `${line}\n  ${failure.message}\n` +
    `  deno task explore --replay '${job.scenario}@${failure.path}'`;
}

async function showPath(text: string): Promise<void> {
  const [name, path] = text.split("@");
  const scenario = (await realScenarios()).find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`No scenario ${name}`);
  replay(scenario, parsePath(path ?? ""), (thread, what) => {
    console.log(`${(scenario.threads[thread] ?? "scene").padEnd(10)} ${what}`);
  });
}

/** The litmus tests at length, in both runtimes. */
function runLitmus(): boolean {
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
    ],
    {
      env: { ...process.env, PUREZMQ_LITMUS: `${LITMUS_ITERATIONS}` },
      stdio: "inherit",
    },
  );
  return run.status === 0;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.replay !== null) {
    await showPath(options.replay);
    return;
  }
  if (options.deep) console.log(`seed ${options.seed}`);
  const scenarios = await realScenarios();
  const started = performance.now();
  const outcomes = await runAll(jobsOf(scenarios, options));
  const refusals = checkRefusals();
  for (const line of refusals.lines) console.log(line);
  const bad = refusals.bad +
    outcomes.filter((outcome) => !isGood(outcome)).length;
  const seconds = (performance.now() - started) / 1000;
  const litmus = !options.deep || runLitmus();
  if (options.write && bad === 0) {
    const text = readFileSync(README, "utf8");
    const table = writeTable(text, scenarios, outcomes, seconds);
    writeFileSync(README, writePipeTable(table));
  }
  const killed = outcomes.filter(({ job }) => job.mutant !== null).length;
  console.log(
    `explore: ${outcomes.length - killed} searches and ${killed} mutants, ` +
      `${bad} not as they must be, ${seconds.toFixed(0)} s`,
  );
  process.exit(bad > 0 || outcomes.length === 0 || !litmus ? 1 : 0);
}

await main();
