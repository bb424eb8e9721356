// The table and the JSON file of `deno task bench`.

import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, release } from "node:os";
import { type Contestant, pathOf } from "./contestants.ts";
import { median, ratios, type Spread, spread } from "./harness.ts";
import { printLine } from "./perf_arguments.ts";
import type { Row } from "./rows.ts";
import type { StartupSamples } from "./startup.ts";

/** Every figure of one row, by contestant. */
export interface RowSamples {
  readonly row: Row;
  readonly values: Record<string, number[]>;
}

const NAME_WIDTH = 28;
const VALUE_WIDTH = 15;
const RATIO_WIDTH = 22;

/** The lines above the table. */
export function printHead(
  contestants: readonly Contestant[],
  pairs: number,
): void {
  for (const { version } of contestants) printLine(version);
  printLine(
    `medians of ${pairs}; ratios are purezmq / libzmq, pair by pair, ` +
      "median (min..max)",
  );
  const names = contestants.map(({ name }) => name);
  const own = names.filter((name) => name !== "libzmq");
  printLine("");
  printLine(
    "row".padEnd(NAME_WIDTH) +
      names.map((name) => name.padStart(VALUE_WIDTH)).join("") +
      own.map((name) => `${name}/libzmq`.padStart(RATIO_WIDTH)).join(""),
  );
}

/** One line of the table. */
export function printRow(
  { row, values }: RowSamples,
  own: readonly Contestant[],
): void {
  const base = values["libzmq"] ?? [];
  const cells = ["libzmq", ...own.map(({ name }) => name)].map((name) =>
    formatValue(row, median(values[name] ?? []))
  );
  const ratioCells = own.map(({ name }) =>
    formatRatio(spread(ratios(values[name] ?? [], base)))
  );
  const note = row.kind === "latency" ? "  lower is better" : "";
  printLine(
    row.name.padEnd(NAME_WIDTH) +
      cells.map((cell) => cell.padStart(VALUE_WIDTH)).join("") +
      ratioCells.map((cell) => cell.padStart(RATIO_WIDTH)).join("") + note,
  );
}

function formatValue(row: Row, value: number): string {
  if (Number.isNaN(value)) return "-";
  if (row.kind === "latency") return `${value.toFixed(1)} us`;
  return value >= 1e6
    ? `${(value / 1e6).toFixed(2)} M/s`
    : `${(value / 1e3).toFixed(1)} k/s`;
}

function formatRatio(ratio: Spread): string {
  if (Number.isNaN(ratio.median)) return "-";
  const [middle, min, max] = [ratio.median, ratio.min, ratio.max]
    .map((value) => value.toFixed(2));
  return `${middle} (${min}..${max})`;
}

/** The start-up row of one runtime. */
export function printStartup(
  { name }: Contestant,
  samples: StartupSamples,
): void {
  const line = (what: string, message: number[], worker: number[]): void =>
    printLine(
      `startup ${name}, ${what}: first message ${
        median(message).toFixed(1)
      } ms, one Worker ${median(worker).toFixed(1)} ms, ratio ${
        formatRatio(spread(ratios(message, worker)))
      }`,
    );
  line("until it is there", samples.messageMs, samples.workerMs);
  line("whole program", samples.messageWholeMs, samples.workerWholeMs);
}

/** Writes every sample to bench/results and returns the file's name. */
export function writeResults(
  contestants: readonly Contestant[],
  rows: readonly RowSamples[],
  startup: Readonly<Record<string, StartupSamples>>,
): string {
  const date = new Date().toISOString();
  const processors = cpus();
  const machine = {
    os: `${platform()} ${release()} ${arch()}`,
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
  };
  const results = {
    date,
    machine,
    contestants: contestants.map(({ name, version }) => ({ name, version })),
    rows: rows.map(({ row, values }) => ({
      ...row,
      unit: row.kind === "throughput" ? "msg/s" : "us",
      values,
      ratios: Object.fromEntries(
        Object.entries(values)
          .filter(([name]) => name !== "libzmq")
          .map(([name, own]) => [
            name,
            spread(ratios(own, values["libzmq"] ?? [])),
          ]),
      ),
    })),
    startup,
  };
  const name = `${date.replaceAll(":", "-").slice(0, 19)}.json`;
  mkdirSync(pathOf("./results"), { recursive: true });
  writeFileSync(
    pathOf(`./results/${name}`),
    `${JSON.stringify(results, null, 2)}\n`,
  );
  return `bench/results/${name}`;
}
