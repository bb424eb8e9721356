// `deno task bench:shm`: the queue in shared memory against libzmq's PUB/SUB, a
// fan-out over Unix sockets and the same ring in C, taken in turns in one run.
// `--help` lists the options; bench/shm/ has the parts.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findDeno } from "../tests/support/executables.ts";
import { pathOf } from "./contestants.ts";
import { Progress } from "./demo/progress.ts";
import { parseOptions } from "./options.ts";
import { printLine } from "./perf_arguments.ts";
import { machineText } from "./report.ts";
import { findRuntime } from "./runtimes.ts";
import {
  allRows,
  type Contender,
  findContenders,
  lengthOf,
  type Row,
  type Run,
} from "./shm/contenders.ts";
import { measureIdle, measureOnce } from "./shm/measure.ts";
import {
  markdownReport,
  ratePlot,
  type Results,
  tableOf,
  verdictLine,
} from "./shm/report.ts";

const USAGE = `deno task bench:shm [options]
  --tiny             one short pair of a few rows, nothing written
  --rows=<a,b>       only the rows of these names, "idle", or else those whose
                     name contains one of these
  --runtimes=<a,b>   only these of deno,bun
  --pairs=<n>        how often each row is measured (5)
  --output=<folder>  where tables, samples and the plot go; without it into
                     bench/results, if all rows ran in both runtimes
  --add              to the samples that are there already`;

/**
 * With 16 consumers on two cores the runtimes are still compiling after 300 ms:
 * such runs gave a tenth of the rate that they come to.
 */
const RUN_MS = 1_000;
const TINY_RUN_MS = 60;
const TINY_CONSUMERS_MAX = 4;
const IDLE_SECONDS = 5;
const IDLE_CONSUMERS = 4;

type Options = ReturnType<typeof parseOptions>;

function isWanted(name: string, { rows }: Options): boolean {
  if (rows.length === 0 || rows.includes(name)) return true;
  const names = allRows().map((row) => row.name);
  return rows.some((part) => !names.includes(part) && name.includes(part));
}

/** Measures one row into `results`. */
async function measureRow(
  results: Results,
  row: Row,
  contenders: readonly Contender[],
  options: Options,
  runOf: (row: Row) => Run,
): Promise<void> {
  const progress = new Progress();
  const field = contenders.filter((each) => !row.locks || each.knowsLocks);
  const entry: Results["rows"][string] = {
    row,
    readings: Object.fromEntries(field.map(({ name }) => [name, []])),
  };
  for (let pair = 0; pair < options.pairs; pair++) {
    for (let turn = 0; turn < field.length; turn++) {
      const own = field[(pair + turn) % field.length] as Contender;
      progress.show(`${row.name}, ${own.name}, ${pair + 1}/${options.pairs}`);
      const reading = await measureOnce(own, row, runOf(row));
      entry.readings[own.name]?.push(reading);
    }
  }
  progress.clear();
  results.rows[row.name] = entry;
  printLine(`\n${row.name}\n${tableOf(entry)}`);
}

/** Writes the three files, formatted as the repository wants it. */
function writeResults(results: Results, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const file = (ending: string): string => join(folder, `shm.${ending}`);
  const order = allRows().map(({ name }) => name);
  results.rows = Object.fromEntries(
    Object.entries(results.rows).sort(([a], [b]) =>
      order.indexOf(a) - order.indexOf(b)
    ),
  );
  writeFileSync(file("json"), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(file("md"), markdownReport(results));
  writeFileSync(file("svg"), ratePlot(results));
  const format = spawnSync(findDeno().path, [
    "fmt",
    "--quiet",
    file("md"),
    file("svg"),
  ]);
  if (format.status !== 0) throw new Error(`deno fmt: ${format.stderr}`);
  printLine(`Written: ${file("{md,svg,json}")}\n`);
}

async function main(
  options: Options,
  adds: boolean,
  directory: string,
): Promise<void> {
  const notes: string[] = [];
  const contenders = findContenders(options.runtimes, directory, notes);
  for (const note of notes) printLine(note);
  const versions = options.runtimes.map(findRuntime);
  let results: Results = {
    machine: machineText(),
    date: new Date().toISOString(),
    versions: versions.map(({ name, version }) => `${name} ${version}`),
    pairs: options.pairs,
    ms: options.tiny ? TINY_RUN_MS : RUN_MS,
    rows: {},
    idle: {},
    notes,
  };
  const samples = join(options.output ?? "", "shm.json");
  if (adds && existsSync(samples)) {
    const { rows, idle } = JSON.parse(readFileSync(samples, "utf8")) as Results;
    results = { ...results, rows, idle };
  }
  let count = 0;
  const runOf = (row: Row): Run => ({
    ms: results.ms * lengthOf(row.consumers),
    name: `bench-${process.pid}-${++count}`,
    directory,
  });
  const rows = allRows().filter((row) => isWanted(row.name, options)).filter((
    row,
  ) => !options.tiny || row.consumers <= TINY_CONSUMERS_MAX);
  for (const row of rows) {
    await measureRow(results, row, contenders, options, runOf);
  }
  const [first] = allRows();
  if (isWanted("idle", options) && first !== undefined) {
    const row = { ...first, consumers: IDLE_CONSUMERS };
    const seconds = options.tiny ? 1 : IDLE_SECONDS;
    for (const own of contenders.filter((each) => each.own === "in place")) {
      results.idle[own.name] = await measureIdle(own, row, runOf(row), seconds);
      printLine(`idle ${own.name}: ${JSON.stringify(results.idle[own.name])}`);
    }
  }
  if (options.output !== null) writeResults(results, options.output);
  printLine(verdictLine(results));
}

const directory = mkdtempSync(join(tmpdir(), "purezmq-shm-"));
try {
  const words = process.argv.slice(2);
  const options = parseOptions(
    words.filter((word) => word !== "--add"),
    pathOf("./results"),
  );
  if (options.help) printLine(USAGE);
  else await main(options, words.includes("--add"), directory);
} catch (error) {
  process.stderr.write(
    `shm: ${error instanceof Error ? error.message : error}\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
