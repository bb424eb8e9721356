// `deno task bench`: every row by libzmq and by this library in both runtimes,
// taken in turns in the same run, so that what disturbs the machine disturbs
// all of them.
//
//   --tiny              one short, checked pair of each row, nothing written
//   --rows=<a,b>        only rows whose name contains one of these
//   --runtimes=<a,b>    only these of deno,bun
//   --pairs=<n>         how often each row is measured (5)

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  type Contestant,
  libzmqContestant,
  ownContestant,
} from "./contestants.ts";
import {
  type Command,
  freePort,
  readResult,
  runAlone,
  runPair,
} from "./harness.ts";
import { printLine } from "./perf_arguments.ts";
import {
  printHead,
  printRow,
  printStartup,
  type RowSamples,
  writeResults,
} from "./report.ts";
import { allRows, type Row } from "./rows.ts";
import type { RuntimeName } from "./runtimes.ts";
import { measureStartup, type StartupSamples } from "./startup.ts";

/** No single run may take longer; they are made to take some seconds. */
const RUN_TIMEOUT_MS = 120_000;

interface Options {
  readonly tiny: boolean;
  readonly rows: readonly string[];
  readonly runtimes: readonly RuntimeName[];
  readonly pairs: number;
}

function parseOptions(argv: readonly string[]): Options {
  const options = { tiny: false, rows: [] as string[], pairs: 0 };
  let runtimes: string[] = ["deno", "bun"];
  for (const word of argv) {
    const [flag, value = ""] = word.split("=", 2);
    if (word === "--tiny") options.tiny = true;
    else if (flag === "--rows") options.rows = value.split(",");
    else if (flag === "--runtimes") runtimes = value.split(",");
    else if (flag === "--pairs" && Number(value) >= 1) {
      options.pairs = Math.trunc(Number(value));
    } else throw new Error(`Unknown option: "${word}"`);
  }
  const known = runtimes.filter((name) => name === "deno" || name === "bun");
  if (known.length !== runtimes.length) {
    throw new Error(`Unknown runtime in: "${runtimes.join(",")}"`);
  }
  const pairs = options.pairs || (options.tiny ? 1 : 5);
  return { ...options, runtimes: known, pairs };
}

/** One measurement of one row with `own` in its place. */
async function measureOnce(
  row: Row,
  own: Contestant,
  libzmq: Contestant,
  options: Options,
  directory: string,
): Promise<number> {
  // Short runs verify order and content as well, long ones only measure.
  const flags = options.tiny ? ["--check"] : [];
  const idiom = row.idiom === "sync" ? [] : [`--${row.idiom}`];
  const command = (
    contestant: Contestant,
    program: string,
    more: readonly string[],
  ): Command => {
    const end = contestant === libzmq ? flags : [...flags, ...idiom];
    return contestant.command(program, [
      ...more,
      String(row.size),
      String(row.count),
      ...end,
    ]);
  };
  const suffix = row.kind === "throughput" ? "thr" : "lat";
  if (row.transport === "inproc") {
    const program = `inproc_${suffix}`;
    if (!own.supports(program, row.size)) return NaN;
    const alone = command(own, program, []);
    return readResult(await runAlone(alone, RUN_TIMEOUT_MS));
  }
  const endpoint = row.transport === "tcp"
    ? `tcp://127.0.0.1:${await freePort()}`
    : `ipc://${join(directory, "bench.ipc")}`;
  // The remote program sends first in both kinds of measurement.
  const local = row.pairing === "to libzmq" ? libzmq : own;
  const remote = row.pairing === "from libzmq" ? libzmq : own;
  const output = await runPair(
    command(local, `local_${suffix}`, [endpoint, "--ready"]),
    command(remote, `remote_${suffix}`, [endpoint]),
    RUN_TIMEOUT_MS,
  );
  const timed = row.kind === "throughput" ? output.local : output.remote;
  return readResult(timed);
}

/** All measurements of one row: the contestants take turns, each pair beginning with another. */
async function measureRow(
  row: Row,
  contestants: readonly Contestant[],
  libzmq: Contestant,
  options: Options,
  directory: string,
): Promise<RowSamples> {
  const samples: RowSamples = { row, values: {} };
  for (const { name } of contestants) samples.values[name] = [];
  for (let pair = 0; pair < options.pairs; pair++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const own = contestants[(pair + turn) % contestants.length];
      if (own === undefined) continue;
      const value = await measureOnce(row, own, libzmq, options, directory);
      samples.values[own.name]?.push(value);
    }
  }
  return samples;
}

async function main(options: Options, directory: string): Promise<void> {
  const libzmq = libzmqContestant(directory);
  const own = options.runtimes.map(ownContestant);
  const contestants = [libzmq, ...own];
  const wanted = (name: string): boolean =>
    options.rows.length === 0 ||
    options.rows.some((part) => name.includes(part));

  printHead(contestants, options.pairs);
  const results: RowSamples[] = [];
  for (const row of allRows(options.tiny)) {
    if (!wanted(row.name)) continue;
    const samples = await measureRow(
      row,
      contestants,
      libzmq,
      options,
      directory,
    );
    printRow(samples, own);
    results.push(samples);
  }
  const starts: Record<string, StartupSamples> = {};
  if (wanted("startup")) {
    for (const contestant of own) {
      const measured = await measureStartup(
        contestant,
        options.pairs,
        RUN_TIMEOUT_MS,
      );
      starts[contestant.name] = measured;
      printStartup(contestant, measured);
    }
  }
  if (!options.tiny) {
    const path = writeResults(contestants, results, starts);
    printLine(`\nAll samples are in ${path}`);
  }
}

const directory = mkdtempSync(join(tmpdir(), "purezmq-bench-"));
try {
  await main(parseOptions(process.argv.slice(2)), directory);
} catch (error) {
  process.stderr.write(
    `bench: ${error instanceof Error ? error.message : error}\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
