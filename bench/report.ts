// The table that `deno task bench` prints, and what it writes: samples as JSON
// and a table as Markdown.

import { arch, cpus, platform, release } from "node:os";
import { activityTable } from "./activity_table.ts";
import type { Contestant } from "./contestants.ts";
import type { Figure } from "./figures.ts";
import { median, ratios, type Spread, spread } from "./harness.ts";
import type { RowSamples } from "./measure.ts";
import { printLine } from "./perf_arguments.ts";
import { formatSpread, markdownTable } from "./pollers/tables.ts";
import type { StartupSamples } from "./startup.ts";

/** What stands around the figures. */
export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  /** What exactly was measured. */
  readonly versions: readonly string[];
  readonly pairs: number;
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** All that a run of the benches has found. */
export interface Results {
  readonly about: Circumstances;
  readonly rows: readonly RowSamples[];
  readonly startup: Readonly<Record<string, StartupSamples>>;
}

const NAME_WIDTH = 30;
const VALUE_WIDTH = 14;
const RATIO_WIDTH = 24;

/** What this machine is. */
export function machineText(): string {
  const processors = cpus();
  const model = processors[0]?.model ?? "unknown";
  return `${processors.length} cores of ${model}, ` +
    `${platform()} ${release()} ${arch()}`;
}

/** The lines above the table. */
export function printHead(versions: readonly string[], pairs: number): void {
  for (const version of versions) printLine(version);
  printLine(
    `medians of ${pairs}; ratios are to the first column, pair by pair, ` +
      "median (min..max)",
  );
}

/** The line above the rows with these contestants. */
export function printColumns(names: readonly string[]): void {
  const [rival = "", ...others] = names;
  printLine("");
  printLine(
    "row".padEnd(NAME_WIDTH) +
      names.map((name) => name.padStart(VALUE_WIDTH)).join("") +
      others.map((name) => `${name}/${rival}`.padStart(RATIO_WIDTH)).join(""),
  );
}

/** The lines of one row. */
export function printRow(samples: RowSamples): void {
  const [, ...others] = samples.contestants;
  for (const figure of samples.row.figures) {
    const cells = samples.contestants.map((name) =>
      formatValue(figure, medianOf(samples, figure, name))
    );
    const ratioCells = others.map((name) =>
      formatRatio(ratioOf(samples, figure, name))
    );
    printLine(
      figureName(samples, figure).padEnd(NAME_WIDTH) +
        cells.map((cell) => cell.padStart(VALUE_WIDTH)).join("") +
        ratioCells.map((cell) => cell.padStart(RATIO_WIDTH)).join("") +
        (figure.better === "lower" ? "  lower is better" : ""),
    );
  }
  for (const note of failureNotes(samples)) printLine(`  ${note}`);
}

/** How the runs of a row failed, or hung: lines for each contestant. */
export function failureNotes(samples: RowSamples): string[] {
  const { failures, repeats, values, row } = samples;
  const repeated = Object.entries(repeats).map(([name, count]) =>
    `${name} hung in ${count} of its runs, made again`
  );
  const failed = Object.entries(failures).map(([name, failed]) => {
    const figure = row.figures[0]?.name ?? "";
    const all = values[figure]?.[name]?.length ?? failed.length;
    return `${name} failed in ${failed.length} of ${all} runs: ` +
      [...new Set(failed)].join(" | ");
  });
  return [...repeated, ...failed];
}

/** The name of a row's figure in tables and on the command line. */
export function figureName({ row }: RowSamples, figure: Figure): string {
  return figure.name === "" ? row.name : `${row.name}.${figure.name}`;
}

/** What a contestant measured, run by run. */
export function valuesOf(
  samples: RowSamples,
  figure: Figure,
  name: string,
): readonly number[] {
  return samples.values[figure.name]?.[name] ?? [];
}

/** The median of the runs that gave a figure, NaN if none did. */
function medianOf(samples: RowSamples, figure: Figure, name: string): number {
  return spreadOf(valuesOf(samples, figure, name))?.median ?? NaN;
}

/** Median and extremes of the ratios to the rival; null where there are none. */
export function ratioOf(
  samples: RowSamples,
  figure: Figure,
  name: string,
): Spread | null {
  const rival = valuesOf(samples, figure, samples.contestants[0] ?? "");
  return spreadOf(ratios(valuesOf(samples, figure, name), rival));
}

/** Median and extremes of what was measured; null where nothing was. */
export function spreadOf(values: readonly number[]): Spread | null {
  const measured = values.filter(Number.isFinite);
  return measured.length === 0 ? null : spread(measured);
}

/** A figure with its unit, as short as it can be. */
export function formatValue({ unit }: Figure, value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (unit === "msg/s") {
    return value >= 1e6
      ? `${(value / 1e6).toFixed(2)} M/s`
      : `${(value / 1e3).toFixed(1)} k/s`;
  }
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const name = unit === "us" ? "µs" : unit === "x" ? "×" : unit;
  return `${value.toFixed(digits)} ${name}`;
}

function formatRatio(ratio: Spread | null): string {
  return formatSpread(ratio, 2);
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

/** Every sample. */
export function jsonReport({ about, rows, startup }: Results): string {
  const results = {
    ...about,
    rows: rows.flatMap((samples) =>
      samples.row.figures.map((figure) => ({
        name: figureName(samples, figure),
        title: `${samples.row.title}: ${figure.title}`,
        unit: figure.unit,
        better: figure.better,
        rival: samples.contestants[0],
        args: samples.row.args,
        values: samples.values[figure.name],
        ratios: Object.fromEntries(
          samples.contestants.slice(1)
            .map((name) => [name, ratioOf(samples, figure, name)]),
        ),
        activity: samples.activity,
        failures: samples.failures,
        repeats: samples.repeats,
      }))
    ),
    startup,
  };
  return `${JSON.stringify(results, null, 2)}\n`;
}

/** The tables, and how the figures came about. */
export function markdownReport(
  { about, rows, startup }: Results,
  plots: readonly { readonly file: string; readonly title: string }[],
): string {
  const { date, machine, versions, pairs, notes } = about;
  const parts = [
    "# Benches",
    `By \`deno task bench\` on ${date.slice(0, 10)}: ${machine}; ` +
    `${versions.join(", ")}. Each figure is the median of ${pairs} runs that ` +
    "all took in turns. Ratios are taken run by run, median (min..max), to " +
    "libzmq, as this system's package has it, called from C, or to npm's " +
    "zeromq in Node in the last table. High-water marks are the default ones, " +
    "but for the SUB of 100,000 subscriptions of libzmq, which has none for " +
    "what it sends: it would lose some of them. Publishers are XPUB with " +
    "XPUB_NODROP. Where connections are counted, both sides have a backlog of " +
    "4096, and this library room for them (`maxConnections`). Every message " +
    "was checked for its order, and octets of it for its content.",
  ];
  for (const [heading, better, rival] of TABLES) {
    const table = figureTable(rows, better, rival);
    if (table !== "") parts.push(`## ${heading}`, table);
  }
  const npm = ["higher", "lower"].map((better) =>
    figureTable(rows, better as Figure["better"], "npm")
  ).filter((table) => table !== "");
  if (npm.length > 0) {
    parts.push(
      "## Against npm's zeromq",
      "The blocking calls of this library and `await receive()` of the package, " +
        "which has no faster call; with “await”, `await send` and `for await` on " +
        "both sides. Higher is better for throughput, lower for latency.",
      ...npm,
    );
  }
  const activity = activityTable(rows);
  if (activity !== "") {
    parts.push(
      "## Waits, wake-ups and stalls",
      "What the library counted itself (`Context.activity`) in all threads of " +
        "a process, per thousand messages, deliveries or round trips, from its " +
        "start to the end of the run: how often a thread began to wait, how " +
        "often one woke another, how often a queue was at its high-water mark.",
      activity,
    );
  }
  if (Object.keys(startup).length > 0) {
    parts.push("## Start", startTable(startup));
  }
  const remarks = [...notes, ...rows.flatMap(failureRemarks)];
  if (remarks.length > 0) {
    parts.push(
      "## What went wrong",
      remarks.map((remark) => `- ${remark}`).join("\n"),
    );
  }
  for (const { file, title } of plots) parts.push(`![${title}](${file})`);
  return `${parts.join("\n\n")}\n`;
}

const TABLES = [
  ["Higher is better", "higher", "libzmq"],
  ["Lower is better", "lower", "libzmq"],
] as const;

function failureRemarks(samples: RowSamples): string[] {
  return failureNotes(samples).map((note) => `${samples.row.title}: ${note}`);
}

function figureTable(
  rows: readonly RowSamples[],
  better: Figure["better"],
  rival: RowSamples["row"]["rival"],
): string {
  const chosen = rows.filter(({ row }) => row.rival === rival);
  const names = chosen[0]?.contestants ?? [];
  const others = names.slice(1);
  const lines = chosen.flatMap((samples) =>
    samples.row.figures.filter((figure) => figure.better === better)
      .map((figure) => [
        samples.row.figures.length === 1 && figure.unit === "msg/s"
          ? samples.row.title
          : `${samples.row.title}: ${figure.title}`,
        ...names.map((name) =>
          formatValue(figure, medianOf(samples, figure, name))
        ),
        ...others.map((name) => formatRatio(ratioOf(samples, figure, name))),
      ])
  );
  if (lines.length === 0) return "";
  const head = ["", ...names, ...others.map((name) => `${name} / ${names[0]}`)];
  return markdownTable(head, lines);
}

function startTable(startup: Results["startup"]): string {
  return markdownTable(
    ["program with a first message / program with one Worker", "ms", "ratio"],
    Object.entries(startup).map(([name, samples]) => [
      name,
      `${median(samples.messageMs).toFixed(1)} / ` +
      median(samples.workerMs).toFixed(1),
      formatRatio(spread(ratios(samples.messageMs, samples.workerMs))),
    ]),
  );
}
