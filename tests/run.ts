// deno-lint-ignore-file no-console -- this program's output is its purpose.
/**
 * `deno task test`: runs every `tests/**\/*_test.ts` under Deno and then under
 * Bun and prints one closing line per runtime,
 * `<runtime>: N passed, N failed, N skipped`.
 *
 * Each file runs in a process of its own, so that no file sees what another one
 * left behind, a crash or a hang takes down one file, and the watchdog knows
 * whose it was. Files run one after the other, since nearly every test has
 * several busy threads and often a second process: two such files at once on
 * two cores turn each other's bounds into luck. Only `tests/unit` runs two files
 * at a time, where most tests are plain functions of one thread.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  type Executable,
  findBun,
  findDeno,
  MissingRuntimeError,
} from "./support/executables.ts";
import { installInteropPeer } from "./support/interop_setup.ts";
import { temporaryFolder } from "./support/ports.ts";
import {
  parseBunReport,
  parseDenoReport,
  type TestResult,
} from "./support/test_report.ts";
import {
  killAllWatched,
  runWatched,
  type WatchedResult,
} from "./support/watched_process.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const PRELOAD = fileURLToPath(
  new URL("./support/deno_preload.ts", import.meta.url),
);

/** How many lines of a failed file's own output are shown. */
const SHOWN_LINES = 200;

const USAGE = `deno task test [options] [part of a file's path ...]
  --runtime deno|bun  only under this runtime
  --timeout SECONDS   the limit on each file's process (default 300)
  --root FOLDER       take the test files from here (default tests/)
  --no-setup          do not install the npm package for the interop tests
  --poller KIND[:TRIGGER]  force a poller on all that the tests start
  --together          both runtimes at a time instead of one after the other
  --verbose           show the output of the files that passed, too
PUREZMQ_BUN names a Bun executable, PUREZMQ_SEED replays a random test.`;

type RuntimeName = "deno" | "bun";

interface Options {
  runtimes: RuntimeName[];
  timeoutMs: number;
  root: string;
  setUp: boolean;
  together: boolean;
  verbose: boolean;
  filters: string[];
}

function parseOptions(args: readonly string[]): Options {
  const options: Options = {
    runtimes: ["deno", "bun"],
    timeoutMs: 300_000,
    root: join(REPOSITORY, "tests"),
    setUp: true,
    together: false,
    verbose: false,
    filters: [],
  };
  const rest = [...args];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === "--runtime") {
      const name = rest.shift();
      if (name !== "deno" && name !== "bun") usage(2);
      options.runtimes = [name];
    } else if (next === "--timeout") {
      options.timeoutMs = Number(rest.shift()) * 1000;
      if (!(options.timeoutMs > 0)) usage(2);
    } else if (next === "--root") {
      options.root = rest.shift() ?? usage(2);
    } else if (next === "--no-setup") {
      options.setUp = false;
    } else if (next === "--poller") {
      forcePoller(rest.shift() ?? usage(2));
    } else if (next === "--together") {
      options.together = true;
    } else if (next === "--verbose") {
      options.verbose = true;
    } else if (next.startsWith("-")) {
      usage(next === "--help" || next === "-h" ? 0 : 2);
    } else {
      options.filters.push(next);
    }
  }
  return options;
}

/** Every process that the tests start inherits the choice. */
function forcePoller(choice: string): void {
  const [kind, trigger] = choice.split(":");
  process.env["PUREZMQ_POLLER"] = kind;
  if (trigger !== undefined) process.env["PUREZMQ_POLLER_TRIGGER"] = trigger;
}

function usage(code: number): never {
  console.log(USAGE);
  process.exit(code);
}

function findTestFiles(options: Options): string[] {
  const names = readdirSync(options.root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith("_test.ts"))
    .filter((name) => !name.includes("node_modules"))
    .filter((name) =>
      options.filters.length === 0 ||
      options.filters.some((part) => join("tests", name).includes(part))
    );
  return names.sort().map((name) => join(options.root, name));
}

/** The count of one runtime, and what is said about it at the end. */
class Tally {
  readonly runtime: RuntimeName;
  passed = 0;
  skipped = 0;
  /** One line per failure. */
  readonly failures: string[] = [];
  /** The names that each file reported, for the comparison of runtimes. */
  readonly namesByFile = new Map<string, string[]>();
  /** The files whose process ended in order, so that their names are whole. */
  readonly wholeFiles = new Set<string>();

  constructor(runtime: RuntimeName) {
    this.runtime = runtime;
  }

  closingLine(): string {
    const failed = this.failures.length;
    return `${this.runtime}: ${this.passed} passed, ${failed} failed, ` +
      `${this.skipped} skipped`;
  }
}

/** One test file's run, judged. */
interface FileOutcome {
  results: TestResult[];
  /** What went wrong outside of any test. */
  troubles: string[];
  run: WatchedResult;
}

async function runFile(
  runtime: RuntimeName,
  executable: Executable,
  file: string,
  timeoutMs: number,
): Promise<FileOutcome> {
  using folder = temporaryFolder();
  const report = folder.file("report.xml");
  const notes = folder.file("uncaught.txt");
  const args = runtime === "deno"
    ? [
      "test",
      "-A",
      "--no-check",
      `--preload=${PRELOAD}`,
      `--junit-path=${report}`,
      file,
    ]
    // Bun's own limit of 5 s per test would hold for node:test, too, which has
    // none. The watchdog is the limit, in both runtimes alike.
    : [
      "test",
      `--timeout=${timeoutMs}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      file,
    ];
  const run = await runWatched({
    command: executable.path,
    args,
    cwd: REPOSITORY,
    env: { NO_COLOR: "1", PUREZMQ_UNCAUGHT: notes },
    timeoutMs,
  });
  const xml = readIfThere(report);
  const parse = runtime === "deno" ? parseDenoReport : parseBunReport;
  const results = xml === null ? [] : parse(xml);
  const troubles = findTroubles(run, xml, results, timeoutMs);
  troubles.push(...(readIfThere(notes)?.trim().split(/\n(?=Un)/) ?? []));
  return { results, troubles, run };
}

function findTroubles(
  run: WatchedResult,
  xml: string | null,
  results: readonly TestResult[],
  timeoutMs: number,
): string[] {
  const troubles: string[] = [];
  const failed = results.some((result) => result.outcome === "failed");
  if (run.timedOut) {
    troubles.push(`killed by the watchdog after ${timeoutMs / 1000} s`);
  } else if (run.signal !== null) {
    troubles.push(`ended by ${run.signal}`);
  } else if (run.code !== 0 && !failed) {
    // Bun reports what a hook throws, and Deno what a file throws when it is
    // loaded, by the exit code and in the output only.
    troubles.push(`exit code ${run.code} with no failed test: see its output`);
  } else if (xml === null && run.code === 0) {
    troubles.push("ended without a report: no test, or it called exit()");
  } else if (results.length === 0 && run.code === 0) {
    troubles.push("registers no test");
  }
  for (const left of run.leftovers) {
    if (!run.timedOut) troubles.push(`left a process running: ${left}`);
  }
  return troubles;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function judgeFile(
  tally: Tally,
  file: string,
  outcome: FileOutcome,
  verbose: boolean,
): void {
  const name = displayName(file);
  const lines: string[] = [];
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const fail = (what: string, detail: string): void => {
    counts.failed += 1;
    tally.failures.push(`${name}: ${what}`);
    lines.push(`  FAILED ${what}`, ...indented(detail));
  };
  for (const result of outcome.results) {
    if (result.outcome === "passed") {
      counts.passed += 1;
    } else if (result.outcome === "failed") {
      fail(result.name, result.detail ?? "");
    } else if (result.detail === null) {
      fail(result.name, "skipped without a reason: see tests/support/skip.ts");
    } else {
      counts.skipped += 1;
      lines.push(`  skipped ${result.name}: ${result.detail}`);
    }
  }
  for (const trouble of outcome.troubles) fail(trouble, "");
  tally.passed += counts.passed;
  tally.skipped += counts.skipped;
  tally.namesByFile.set(file, outcome.results.map((result) => result.name));
  if (outcome.troubles.length === 0) tally.wholeFiles.add(file);
  const seconds = (outcome.run.elapsedMs / 1000).toFixed(1);
  const verdict = counts.failed === 0 ? "ok    " : "FAILED";
  console.log(
    `${tally.runtime} ${verdict} ${name} (${counts.passed} passed, ` +
      `${counts.failed} failed, ${counts.skipped} skipped, ${seconds} s)`,
  );
  for (const line of lines) console.log(line);
  if (counts.failed > 0 || verbose) showOutput(outcome.run.output);
}

function showOutput(output: string): void {
  const lines = output.trimEnd().split("\n");
  const shown = lines.slice(-SHOWN_LINES);
  if (shown.length < lines.length) {
    console.log(`  | … ${lines.length - shown.length} lines before`);
  }
  for (const line of shown) console.log(`  | ${line}`);
}

function indented(text: string): string[] {
  return text === "" ? [] : text.split("\n").map((line) => `    ${line}`);
}

function displayName(file: string): string {
  return relative(REPOSITORY, file);
}

type Executables = Record<RuntimeName, Executable | MissingRuntimeError>;

/** Finds both runtimes, and tells the tests, which start programs in either. */
function findExecutables(): Executables {
  const attempt = (
    find: () => Executable,
  ): Executable | MissingRuntimeError => {
    try {
      return find();
    } catch (error) {
      if (error instanceof MissingRuntimeError) return error;
      throw error;
    }
  };
  const found = { deno: attempt(findDeno), bun: attempt(findBun) };
  if ("path" in found.deno) process.env["PUREZMQ_DENO"] = found.deno.path;
  if ("path" in found.bun) process.env["PUREZMQ_BUN"] = found.bun.path;
  return found;
}

async function runRuntime(
  tally: Tally,
  executables: Executables,
  files: readonly string[],
  options: Options,
): Promise<void> {
  const executable = executables[tally.runtime];
  if (executable instanceof MissingRuntimeError) {
    tally.failures.push(executable.message);
    return;
  }
  console.log(`${tally.runtime} ${executable.version} (${executable.path})`);
  const queue = [...files];
  const isUnit = (file: string): boolean =>
    displayName(file).startsWith(join("tests", "unit"));
  const takeTurns = async (wanted: (file: string) => boolean) => {
    for (;;) {
      const index = queue.findIndex(wanted);
      const [file] = index === -1 ? [] : queue.splice(index, 1);
      if (file === undefined) return;
      const { runtime } = tally;
      const outcome = await runFile(
        runtime,
        executable,
        file,
        options.timeoutMs,
      );
      judgeFile(tally, file, outcome, options.verbose);
    }
  };
  await Promise.all([takeTurns(isUnit), takeTurns(isUnit)]);
  await takeTurns(() => true);
}

/**
 * A test that only one runtime reported was lost by the other (Bun, for one,
 * says nothing about the tests of a skipped suite): that is a failure there.
 */
function compareRuntimes(first: Tally, second: Tally): void {
  for (const file of first.wholeFiles) {
    if (!second.wholeFiles.has(file)) continue;
    for (const [from, to] of [[first, second], [second, first]] as const) {
      const missing = [...(from.namesByFile.get(file) ?? [])];
      for (const name of to.namesByFile.get(file) ?? []) {
        const index = missing.indexOf(name);
        if (index !== -1) missing.splice(index, 1);
      }
      for (const name of missing) {
        to.failures.push(
          `${displayName(file)}: ${name}: reported by ${from.runtime} only`,
        );
      }
    }
  }
}

function close(tally: Tally): void {
  const executed = tally.passed + tally.failures.length;
  if (executed === 0) tally.failures.push("no test was executed");
  if (tally.failures.length > 0) {
    console.log(`\n${tally.runtime}, failed:`);
    for (const failure of tally.failures) console.log(`  ${failure}`);
  }
  console.log("");
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const tallies = options.runtimes.map((name) => new Tally(name));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      killAllWatched();
      for (const tally of tallies) {
        tally.failures.push(`interrupted by ${signal}`);
        console.log(tally.closingLine());
      }
      process.exit(1);
    });
  }
  const files = findTestFiles(options);
  if (options.setUp) {
    const obstacle = installInteropPeer((line) => console.log(line));
    if (obstacle !== null) {
      console.log(obstacle);
      for (const tally of tallies) tally.failures.push(`set-up: ${obstacle}`);
    }
  }
  const executables = findExecutables();
  const runs = tallies.map((tally) => () =>
    runRuntime(tally, executables, files, options)
  );
  if (options.together) await Promise.all(runs.map((run) => run()));
  else for (const run of runs) await run();
  const [first, second] = tallies;
  if (first !== undefined && second !== undefined) {
    compareRuntimes(first, second);
  }
  for (const tally of tallies) close(tally);
  for (const tally of tallies) console.log(tally.closingLine());
  const failed = tallies.some((tally) => tally.failures.length > 0);
  process.exit(failed ? 1 : 0);
}

await main();
