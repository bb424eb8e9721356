// What a row's runs give: figures, read from the lines that the measuring
// programs print.

/** The lines of a run: `name [unit]` and the number between them. */
export type Lines = ReadonlyMap<string, number>;

/** One number of a run. */
export interface Figure {
  /** Tells the figures of a row apart; empty for the only or first one. */
  readonly name: string;
  /** What it is, after the row's title. */
  readonly title: string;
  readonly unit: "msg/s" | "us" | "ns" | "ms" | "KiB" | "MiB" | "x";
  readonly better: "higher" | "lower";
  /** Throws where a line is missing. */
  read(lines: Lines): number;
}

/** Reads lines of the form `mean throughput: 1000 [msg/s]`; ignores others. */
export function parseLines(stdout: string): Lines {
  const lines = new Map<string, number>();
  for (const line of stdout.split("\n")) {
    const match = /^([^:]+): (-?[\d.]+) (\[[^\]]+\])$/.exec(line.trim());
    if (match === null) continue;
    lines.set(`${match[1]} ${match[3]}`, Number(match[2]));
  }
  return lines;
}

function lineOf(lines: Lines, name: string): number {
  const value = lines.get(name);
  if (value === undefined || !Number.isFinite(value)) {
    throw new Error(
      `Cannot find "${name}" in the output: ${
        [...lines.keys()].join(", ") || "it has no results"
      }`,
    );
  }
  return value;
}

function plain(
  name: string,
  title: string,
  unit: Figure["unit"],
  better: Figure["better"],
  line: string,
): Figure {
  return { name, title, unit, better, read: (lines) => lineOf(lines, line) };
}

export const THROUGHPUT_FIGURES: readonly Figure[] = [
  plain("", "throughput", "msg/s", "higher", "mean throughput [msg/s]"),
];

export const LATENCY_FIGURES: readonly Figure[] = [
  plain("", "mean latency", "us", "lower", "average latency [us]"),
  plain("p50", "latency p50", "us", "lower", "latency p50 [us]"),
  plain("p99", "latency p99", "us", "lower", "latency p99 [us]"),
  plain("p99.9", "latency p99.9", "us", "lower", "latency p99.9 [us]"),
];

export const MATCHING_FIGURES: readonly Figure[] = [
  plain("", "time per message", "ns", "lower", "time per message [ns]"),
];

const KIB_PER_MIB = 1024;

/** How many connections a run had stands in a line of its own. */
export const CONNECTION_FIGURES: readonly Figure[] = [
  {
    name: "handshakes",
    title: "until all handshakes are done",
    unit: "ms",
    better: "lower",
    read: (lines) => lineOf(lines, "end [ms]") - lineOf(lines, "start [ms]"),
  },
  {
    name: "memory",
    title: "resident memory of the binding process per idle connection",
    unit: "KiB",
    better: "lower",
    read: (lines) =>
      (lineOf(lines, "resident after [KiB]") -
        lineOf(lines, "resident before [KiB]")) /
      lineOf(lines, "connections [count]"),
  },
];

export const BURST_FIGURES: readonly Figure[] = [
  {
    name: "after",
    title: "resident memory after it, by that before it",
    unit: "x",
    better: "lower",
    read: (lines) =>
      lineOf(lines, "resident after [KiB]") /
      lineOf(lines, "resident before [KiB]"),
  },
  ...["before", "peak", "after"].map((when): Figure => ({
    name: when === "after" ? "after_mib" : when,
    title: `resident memory, ${when}`,
    unit: "MiB",
    better: "lower",
    read: (lines) => lineOf(lines, `resident ${when} [KiB]`) / KIB_PER_MIB,
  })),
];
