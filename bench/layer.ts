// `deno task bench:layer`: what the shared-access layer costs. The queue of
// frames as it ships, and the same sources with every call of the layer replaced
// by what it does, taken in turns in both runtimes.

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

const SIZES = [16, 64, 1024];
const COUNT = 4_000_000;
const TINY_COUNT = 20_000;
const PAIRS = 31;
const RUN_TIMEOUT_MS = 60_000;

interface Sources {
  readonly shipped: string;
  readonly inlined: string;
}

async function nanoseconds(
  runtime: Runtime,
  folder: string,
  size: number,
  count: number,
): Promise<number> {
  const said = await runAlone({
    file: runtime.path,
    args: [
      ...runtime.runArguments,
      ...(runtime.name === "deno" ? ["--no-check"] : []),
      pathOf("./layer/queue_loop.ts"),
      folder,
      String(size),
      String(count),
    ],
  }, RUN_TIMEOUT_MS);
  const value = Number.parseFloat(said);
  if (!(value > 0)) throw new Error(`queue_loop said "${said}"`);
  return value;
}

/** The row of one runtime and size. */
async function measure(
  runtime: Runtime,
  sources: Sources,
  size: number,
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
    ) {
      const count = tiny ? TINY_COUNT : COUNT;
      values.push(await nanoseconds(runtime, folder, size, count));
    }
  }
  return [
    `${runtime.name}, ${size} B`,
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
      for (const size of tiny ? [64] : SIZES) {
        const row = await measure(findRuntime(name), sources, size, tiny);
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
