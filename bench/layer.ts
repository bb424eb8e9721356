// `deno task bench:layer`: what the shared-access layer costs. The queue of
// frames alone, and messages between two threads, as they ship and with every
// call of the layer replaced by what it does, taken in turns in both runtimes.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathOf } from "./contestants.ts";
import { ratios, runAlone, spread } from "./harness.ts";
import { copySources } from "./layer/inline.ts";
import { printLine } from "./perf_arguments.ts";
import { formatSpread, markdownTable } from "./pollers/tables.ts";
import { machineText } from "./report.ts";
import { findRuntime, type Runtime } from "./runtimes.ts";

const PAIRS = 21;
const RUN_TIMEOUT_MS = 60_000;

/** A program that says how long a message takes, or how many there are. */
interface Program {
  readonly title: string;
  readonly count: number;
  readonly tinyCount: number;
  args(folder: string, count: number): string[];
  nanoseconds(said: string): number;
}

function queueLoop(size: number): Program {
  return {
    title: `queue, ${size} B`,
    count: 4_000_000,
    tinyCount: 20_000,
    args: (folder, count) => [
      pathOf("./layer/queue_loop.ts"),
      folder,
      String(size),
      String(count),
    ],
    nanoseconds: Number.parseFloat,
  };
}

function betweenThreads(size: number): Program {
  return {
    title: `inproc, two threads, ${size} B`,
    count: 6_000_000,
    tinyCount: 20_000,
    args: (folder, count) => [
      join(folder, "bench/inproc_thr.ts"),
      String(size),
      String(count),
    ],
    nanoseconds: (said) =>
      1e9 / Number(/throughput: (\d+) \[msg/.exec(said)?.[1]),
  };
}

const PROGRAMS = [16, 64, 1024].map(queueLoop).concat(betweenThreads(64));

interface Sources {
  readonly shipped: string;
  readonly inlined: string;
}

async function run(
  runtime: Runtime,
  program: Program,
  folder: string,
  tiny: boolean,
): Promise<number> {
  const count = tiny ? program.tinyCount : program.count;
  const said = await runAlone({
    file: runtime.path,
    args: [
      ...runtime.runArguments,
      ...(runtime.name === "deno" ? ["--no-check"] : []),
      ...program.args(folder, count),
    ],
  }, RUN_TIMEOUT_MS);
  const value = program.nanoseconds(said);
  if (!(value > 0)) throw new Error(`${program.title} said "${said}"`);
  return value;
}

/** The row of one runtime and program. */
async function measure(
  runtime: Runtime,
  sources: Sources,
  program: Program,
  tiny: boolean,
): Promise<string[]> {
  const shipped: number[] = [];
  const inlined: number[] = [];
  for (let pair = 0; pair < (tiny ? 1 : PAIRS); pair++) {
    const turns = [
      [shipped, sources.shipped],
      [inlined, sources.inlined],
    ] as const;
    for (
      const [values, folder] of pair % 2 === 0 ? turns : turns.toReversed()
    ) values.push(await run(runtime, program, folder, tiny));
  }
  return [
    `${runtime.name}, ${program.title}`,
    formatSpread(spread(shipped), 1),
    formatSpread(spread(inlined), 1),
    formatSpread(spread(ratios(shipped, inlined)), 3),
  ];
}

async function main(argv: readonly string[]): Promise<void> {
  const tiny = argv[0] === "--tiny";
  if (argv.length > (tiny ? 1 : 0)) {
    printLine("usage: deno task bench:layer [--tiny]");
    process.exitCode = 1;
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "purezmq-layer-"));
  const sources = {
    shipped: join(folder, "shipped"),
    inlined: join(folder, "inlined"),
  };
  try {
    copySources(sources.shipped, false);
    const calls = copySources(sources.inlined, true);
    printLine(`${calls} calls of the layer put in place · ${machineText()}`);
    const rows: string[][] = [];
    for (const name of ["deno", "bun"] as const) {
      for (const program of tiny ? PROGRAMS.slice(-2) : PROGRAMS) {
        const row = await measure(findRuntime(name), sources, program, tiny);
        printLine(row.join("  "));
        rows.push(row);
      }
    }
    const head = ["ns per message", "as shipped", "inlined", "ratio"];
    printLine(`\n${markdownTable(head, rows)}`);
    printLine("layer: done");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
