// deno-lint-ignore-file no-console -- this program's output is its purpose.
/**
 * `deno task ok`: everything that CI runs, one line per step. A failed step
 * shows its output and the others go on, so that one run tells all.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { killAllWatched, runWatched } from "./support/watched_process.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const DENO = Deno.execPath();

/** How many lines of a failed step's output are shown. */
const SHOWN_LINES = 300;

interface Step {
  readonly name: string;
  /** What it checks, for --help. */
  readonly what: string;
  /** Arguments to deno. */
  readonly args: readonly string[];
  /** Without one of these files it is skipped, and says so. */
  readonly needs?: readonly string[];
  /** A sign of work done that the output must show: exit code 0 may lie. */
  readonly proof?: RegExp;
  readonly limitMinutes: number;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Shows its output while it runs. */
  readonly live?: boolean;
}

/** The modules of deno.json's "exports" that exist. */
function entryPoints(): string[] {
  const text = readFileSync(join(REPOSITORY, "deno.json"), "utf8");
  const { exports } = JSON.parse(text) as { exports: Record<string, string> };
  return Object.values(exports);
}

function present(paths: readonly string[]): string[] {
  return paths.filter((path) => existsSync(join(REPOSITORY, path)));
}

/** Where the tests are whose threads sleep in a poller. */
const WAITING_TESTS = [
  "tests/behaviour",
  "tests/interop",
  "tests/unit/api",
  "tests/unit/core",
  "tests/unit/event_loop",
  "tests/unit/poller",
  "tests/unit/transport",
];

const STEPS: readonly Step[] = [
  {
    name: "fmt",
    what: "every file is formatted",
    args: ["fmt", "--check"],
    limitMinutes: 2,
  },
  { name: "lint", what: "deno lint", args: ["lint"], limitMinutes: 2 },
  {
    name: "check",
    what: "every file type-checks",
    args: ["check", ...present(["mod.ts", "src", "ffi", "tests", "bench"])],
    limitMinutes: 5,
  },
  {
    name: "doc",
    what: "all that is exported is documented and typed",
    args: ["doc", "--lint", ...entryPoints()],
    needs: entryPoints(),
    limitMinutes: 2,
  },
  {
    name: "examples",
    what: "the examples in the documentation run",
    args: [
      "test",
      "--doc",
      "-A",
      "mod.ts",
      "src/poller_entry.ts",
      "src/api",
      "src/event_loop",
      "src/shm",
    ],
    needs: ["mod.ts"],
    proof: /[1-9]\d* passed/,
    limitMinutes: 5,
  },
  {
    name: "tidy",
    what: "the repository's own rules",
    args: ["test", "-A", "--no-check", "tests/tidy_test.ts"],
    proof: /[1-9]\d* passed/,
    limitMinutes: 2,
  },
  {
    name: "explore",
    what: "the lock-free sources under all orders, and mistakes in them",
    args: ["run", "-A", "tests/explore.ts"],
    proof: /^explore: [1-9]\d* searches and [1-9]\d* mutants, 0 not /m,
    // Three at the most on machines that were measured; one may be busy.
    limitMinutes: 4,
  },
  {
    name: "tests",
    what: "every test, under Deno and under Bun",
    args: ["run", "-A", "tests/run.ts"],
    limitMinutes: 60,
    live: true,
  },
  ...["poll", "select", "epoll:edge"].map((poller): Step => ({
    name: poller,
    what: `every test that waits for the system again, over ${poller}`,
    args: [
      ...["run", "-A", "tests/run.ts", "--poller", poller, "--together"],
      ...WAITING_TESTS,
    ],
    // The same tests, with fewer starts of threads: those were tested above.
    env: { PUREZMQ_SHARED_CONTEXT: "1", PUREZMQ_STRESS_CYCLES: "20" },
    limitMinutes: 30,
    live: true,
  })),
  {
    name: "bench",
    what: "every bench, at a tiny size",
    args: ["run", "-A", "bench/run.ts", "--tiny"],
    needs: ["bench/run.ts", "mod.ts"],
    proof: /^Written to .*: bench\.json, bench\.md(, \w+\.svg){4}$/m,
    limitMinutes: 8,
  },
  {
    name: "parts",
    what: "the benches of parts, a few iterations of each",
    args: ["bench", "-A", "--no-check", "bench/"],
    env: { PUREZMQ_BENCH_TINY: "1" },
    proof:
      /group decoder[^]*group ffi[^]*group frame q[^]*group mailbox[^]*group sub/,
    limitMinutes: 3,
  },
  {
    name: "pollers",
    what: "the bench of the pollers, at a tiny size",
    args: ["run", "-A", "bench/pollers.ts", "--small"],
    needs: ["bench/pollers.ts"],
    // Its speed does not count here: it takes seconds, beside anything else.
    proof: /^pollers: (PASS|MISSED|INCOMPLETE) /m,
    limitMinutes: 3,
  },
  {
    name: "layer",
    what: "the bench of the shared-access layer, at a tiny size",
    args: ["run", "-A", "bench/layer.ts", "--tiny"],
    needs: ["bench/layer.ts"],
    proof: /^layer: done$/m,
    limitMinutes: 2,
  },
  {
    name: "shm",
    what: "the bench of the queue in shared memory, at a tiny size",
    args: ["run", "-A", "bench/shm.ts", "--tiny"],
    needs: ["bench/shm.ts"],
    proof: /^shm: (PASS|MISSED|INCOMPLETE) /m,
    limitMinutes: 4,
  },
  {
    name: "publish",
    what: "the package as JSR would take it",
    args: ["publish", "--dry-run", "--allow-dirty"],
    needs: entryPoints(),
    limitMinutes: 3,
  },
];

type Verdict = "ok" | "FAILED" | "skipped";

async function runStep(step: Step): Promise<Verdict> {
  const missing = (step.needs ?? [])
    .filter((path) => !existsSync(join(REPOSITORY, path)));
  if (missing.length > 0) {
    console.log(`skipped ${step.name}: there is no ${missing.join(", ")}`);
    return "skipped";
  }
  const started = performance.now();
  const failure = step.live ? await runLive(step) : await runQuietly(step);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = failure === null ? "ok" : "FAILED";
  console.log(`${verdict.padEnd(7)} ${step.name.padEnd(10)} ${seconds} s`);
  if (failure !== null && failure !== "") console.log(shown(failure));
  return verdict;
}

function shown(output: string): string {
  const lines = output.split("\n");
  const left = lines.slice(0, SHOWN_LINES);
  if (left.length === lines.length) return output;
  return [...left, `… ${lines.length - left.length} more lines`].join("\n");
}

/** Runs a step; null, or what it said when it failed. */
async function runQuietly(step: Step): Promise<string | null> {
  const run = await runWatched({
    command: DENO,
    args: step.args,
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
    timeoutMs: step.limitMinutes * 60_000,
  });
  const said = run.output.trimEnd();
  if (run.timedOut) return `${said}\nended after ${step.limitMinutes} min`;
  if (run.code !== 0) return said;
  if (run.leftovers.length > 0) return `left running: ${run.leftovers}`;
  if (step.proof === undefined || step.proof.test(said)) return null;
  return `${said}\nnothing says that it did anything (${step.proof})`;
}

/** Runs a step that watches over its own time, with its output shown. */
async function runLive(step: Step): Promise<string | null> {
  const child = new Deno.Command(DENO, {
    args: [...step.args],
    cwd: REPOSITORY,
    env: { ...step.env },
    stdin: "null",
  }).spawn();
  const { code } = await child.status;
  return code === 0 ? null : "";
}

function usage(code: number): never {
  console.log(`deno task ok [--without-tests] [--only STEP[,STEP…]]`);
  for (const { name, what } of STEPS) {
    console.log(`  ${name.padEnd(11)}${what}`);
  }
  process.exit(code);
}

function chooseSteps(args: readonly string[]): Step[] {
  let steps = [...STEPS];
  const rest = [...args];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === "--without-tests") {
      steps = steps.filter((step) => step.name !== "tests");
    } else if (next === "--only") {
      const names = (rest.shift() ?? "").split(",");
      if (!names.every((name) => STEPS.some((step) => step.name === name))) {
        usage(2);
      }
      steps = steps.filter((step) => names.includes(step.name));
    } else {
      usage(next === "--help" || next === "-h" ? 0 : 2);
    }
  }
  return steps;
}

async function main(): Promise<void> {
  const counts: Record<Verdict, number> = { ok: 0, FAILED: 0, skipped: 0 };
  const closingLine = (): string =>
    `ok: ${counts.ok} passed, ${counts.FAILED} failed, ` +
    `${counts.skipped} skipped`;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      killAllWatched();
      counts.FAILED += 1;
      console.log(`interrupted by ${signal}\n${closingLine()}`);
      process.exit(1);
    });
  }
  for (const step of chooseSteps(process.argv.slice(2))) {
    counts[await runStep(step)] += 1;
  }
  console.log(closingLine());
  process.exit(counts.FAILED > 0 || counts.ok === 0 ? 1 : 0);
}

await main();
