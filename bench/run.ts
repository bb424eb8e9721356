// `deno task bench`: every row by libzmq, or by npm's zeromq, and by this library
// in both runtimes, taken in turns in the same run, so that what disturbs the
// machine disturbs all of them. `--help` lists the options.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findDeno } from "../tests/support/executables.ts";
import {
  type Contestant,
  libzmqContestant,
  npmContestants,
  ownContestant,
  pathOf,
} from "./contestants.ts";
import { Progress } from "./demo/progress.ts";
import { Estimate, formatDuration } from "./estimate.ts";
import { measureRow, type RowSamples, RUN_TIMEOUT_MS } from "./measure.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { printLine } from "./perf_arguments.ts";
import { drawPlots } from "./plots.ts";
import { hardDescriptorLimit } from "./pollers/limits.ts";
import {
  jsonReport,
  machineText,
  markdownReport,
  printColumns,
  printHead,
  printRow,
  printStartup,
  type Results,
} from "./report.ts";
import { allRows, type Rival, type Row } from "./rows.ts";
import { sourceVersion } from "./source_version.ts";
import { measureStartup, type StartupSamples } from "./startup.ts";

const FULL_PAIRS = 5;

/** What may hang gets so long: several times what it needs if it does not. */
const DOUBTFUL_TIMEOUT_MS = 25_000;
const TINY_DOUBTFUL_TIMEOUT_MS = 5_000;
/** Tiny runs take a second, most of it to start. */
const TINY_RUN_TIMEOUT_MS = 40_000;

/** Who takes part, and what cannot be measured here. */
interface Field {
  readonly own: readonly Contestant[];
  readonly rivals: Readonly<Record<Rival, readonly Contestant[]>>;
  readonly libzmq: Contestant;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

function findField(options: Options, directory: string): Field {
  const notes: string[] = [];
  const libzmq = libzmqContestant(directory);
  const all = allRows(options.tiny);
  const names = new Set(all.map(({ name }) => name));
  const isWanted = (row: Row): boolean =>
    options.rows.length === 0 || options.rows.includes(row.name) ||
    options.rows.some((part) => !names.has(part) && row.name.includes(part));
  const descriptors = hardDescriptorLimit();
  let rows = all.filter(isWanted).filter((row) => {
    // As much again as a process has beside its connections.
    if (row.connections * 1.02 + 300 <= descriptors) return true;
    notes.push(
      `${row.title}: left out, RLIMIT_NOFILE allows ${descriptors} descriptors`,
    );
    return false;
  });
  let npm: Contestant[] = [];
  if (rows.some((row) => row.rival === "npm")) {
    try {
      npm = npmContestants();
    } catch (error) {
      rows = rows.filter((row) => row.rival !== "npm");
      notes.push(
        "npm's zeromq: left out, " +
          (error instanceof Error ? error.message : error),
      );
    }
  }
  return {
    own: options.runtimes.map(ownContestant),
    rivals: { libzmq: [libzmq], npm },
    libzmq,
    rows,
    notes,
  };
}

async function measureRows(
  field: Field,
  options: Options,
  directory: string,
): Promise<RowSamples[]> {
  const progress = new Progress();
  const startMs = performance.now();
  const fieldOf = (row: Row): Contestant[] => [
    ...field.rivals[row.rival],
    ...field.own,
  ];
  const totalRuns = field.rows.reduce(
    (sum, row) => sum + fieldOf(row).length * options.pairs,
    0,
  );
  const estimate = new Estimate(totalRuns);
  const results: RowSamples[] = [];
  let rival: Rival | null = null;
  for (const row of field.rows) {
    const contestants = fieldOf(row);
    if (row.rival !== rival) printColumns(contestants.map(({ name }) => name));
    rival = row.rival;
    const samples = await measureRow(row, {
      contestants,
      libzmq: field.libzmq,
      pairs: options.pairs,
      timeoutMs: options.tiny ? TINY_RUN_TIMEOUT_MS : RUN_TIMEOUT_MS,
      doubtfulTimeoutMs: options.tiny
        ? TINY_DOUBTFUL_TIMEOUT_MS
        : DOUBTFUL_TIMEOUT_MS,
      directory,
      beforeRun: (contestant, pair) => {
        estimate.begin();
        const leftMs = estimate.leftMs(performance.now() - startMs);
        progress.show(
          `  run ${estimate.runs} of ${estimate.totalRuns}: ${row.name}, ` +
            `${contestant.name}, ${pair + 1} of ${options.pairs}` +
            (leftMs === null ? "" : `, about ${formatDuration(leftMs)} left`),
        );
      },
    });
    progress.clear();
    printRow(samples);
    results.push(samples);
  }
  return results;
}

async function measureStarts(
  field: Field,
  options: Options,
): Promise<Record<string, StartupSamples>> {
  const starts: Record<string, StartupSamples> = {};
  const isWanted = options.rows.length === 0 ||
    options.rows.some((part) => "startup".includes(part));
  if (!isWanted) return starts;
  printLine("");
  for (const contestant of field.own) {
    const samples = await measureStartup(
      contestant,
      options.pairs,
      RUN_TIMEOUT_MS,
    );
    starts[contestant.name] = samples;
    printStartup(contestant, samples);
  }
  return starts;
}

/** Writes samples, table and plots, formatted as the repository wants it. */
function writeResults(results: Results, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const pictures = drawPlots(results.rows, results.about);
  const files: [string, string][] = [
    ["bench.json", jsonReport(results)],
    ["bench.md", markdownReport(results, pictures)],
    ...pictures.map(({ file, svg }): [string, string] => [file, svg]),
  ];
  const paths = files.map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  });
  const format = spawnSync(findDeno().path, ["fmt", "--quiet", ...paths]);
  if (format.status !== 0) throw new Error(`deno fmt: ${format.stderr}`);
  printLine(
    `\nWritten to ${folder}: ${files.map(([name]) => name).join(", ")}`,
  );
}

async function main(options: Options, directory: string): Promise<void> {
  const startMs = performance.now();
  const field = findField(options, directory);
  const versions = [
    ...field.rivals.libzmq,
    ...field.rivals.npm,
    ...field.own,
  ].map(({ version }) => version).concat(sourceVersion());
  printHead(versions, options.pairs);
  for (const note of field.notes) printLine(note);
  const date = new Date().toISOString();
  const rows = await measureRows(field, options, directory);
  const startup = await measureStarts(field, options);
  const { pairs } = options;
  const about = { date, machine: machineText(), versions, pairs };
  // Nothing is kept of a tiny run, but it shows that it can be written.
  const output = options.tiny ? join(directory, "results") : options.output;
  if (output !== null) {
    const results = { about: { ...about, notes: field.notes }, rows, startup };
    writeResults(results, output);
  }
  const tookMs = performance.now() - startMs;
  printLine(`took ${formatDuration(tookMs)}`);
  if (!options.tiny && pairs !== FULL_PAIRS) {
    const full = formatDuration(tookMs / pairs * FULL_PAIRS);
    printLine(`${FULL_PAIRS} pairs of these rows would take about ${full}`);
  }
}

const directory = mkdtempSync(join(tmpdir(), "purezmq-bench-"));
try {
  const options = parseOptions(process.argv.slice(2), pathOf("./results"));
  if (options.help) printLine(USAGE);
  else await main(options, directory);
} catch (error) {
  process.stderr.write(
    `bench: ${error instanceof Error ? error.message : error}\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
