// The tables, bounds and plot of `deno task bench:shm`.

import { ratios, type Spread, spread } from "../harness.ts";
import { formatSpread, markdownTable } from "../pollers/tables.ts";
import { svgPlot } from "../svg_plot.ts";
import { lengthOf, LIBZMQ, RING_IN_C, type Row } from "./contenders.ts";
import type { Idleness, Reading } from "./measure.ts";
import { ringSlots } from "./task.ts";

/** All that was measured; what the JSON file holds. */
export interface Results {
  machine: string;
  date: string;
  versions: readonly string[];
  pairs: number;
  ms: number;
  rows: Record<string, { row: Row; readings: Record<string, Reading[]> }>;
  idle: Record<string, Idleness>;
  notes: readonly string[];
}

type Entry = Results["rows"][string];

const isOwn = (name: string): boolean => /^(deno|bun),/.test(name);

function valuesOf(entry: Entry, name: string): number[] {
  return entry.readings[name]?.map(({ value }) => value) ?? [];
}

function ratioOf(entry: Entry, name: string, base: string): Spread | null {
  const values = valuesOf(entry, name);
  const others = valuesOf(entry, base);
  if (values.length === 0 || others.length === 0) return null;
  return spread(ratios(values, others));
}

function titleOf({ kind, size, consumers, locks }: Row): string {
  const what = kind === "rate"
    ? "records per second, thousands"
    : "one-way latency, µs";
  return `${what}: ${size} B, 1 to ${consumers}` +
    (locks ? ", waiting for record locks" : "");
}

/** The table of one row. */
export function tableOf(entry: Entry): string {
  const isRate = entry.row.kind === "rate";
  const scale = isRate ? 1e-3 : 1;
  const names = Object.keys(entry.readings);
  return markdownTable(
    ["", "median (min..max)", ...(isRate ? [] : ["p99"]), "/ libzmq", "/ C"],
    names.map((name) => [
      name,
      formatSpread(
        spread(valuesOf(entry, name).map((value) => value * scale)),
        isRate ? 0 : 1,
      ),
      ...(isRate ? [] : [
        formatSpread(
          spread((entry.readings[name] ?? []).map(({ p99 }) => p99)),
          0,
        ),
      ]),
      name === LIBZMQ ? "" : formatSpread(ratioOf(entry, name, LIBZMQ), 2),
      isOwn(name)
        ? formatSpread(
          ratioOf(
            entry,
            name,
            name.endsWith("copied") ? "C, copied" : RING_IN_C,
          ),
          2,
        )
        : "",
    ]),
  );
}

/** The worst median ratio of this package's columns against a bound. */
function worst(
  results: Results,
  kind: Row["kind"],
  base: "libzmq" | "C",
): { ratio: number; where: string } | null {
  let found: { ratio: number; where: string } | null = null;
  for (const entry of Object.values(results.rows)) {
    if (entry.row.kind !== kind || entry.row.locks) continue;
    for (const name of Object.keys(entry.readings).filter(isOwn)) {
      const same = name.endsWith("copied") ? "C, copied" : RING_IN_C;
      const ratio = ratioOf(entry, name, base === "C" ? same : LIBZMQ)?.median;
      if (ratio === undefined) continue;
      const worse = found === null ||
        (kind === "rate" ? ratio < found.ratio : ratio > found.ratio);
      if (worse) found = { ratio, where: `${name}, ${entry.row.name}` };
    }
  }
  return found;
}

/** The last line: PASS, or what was missed or not measured. */
export function verdictLine(results: Results): string {
  const bounds = [
    ["rate / libzmq", worst(results, "rate", "libzmq"), "≥", 5],
    ["latency / libzmq", worst(results, "latency", "libzmq"), "≤", 0.5],
    ["rate / C", worst(results, "rate", "C"), "≥", 0.5],
  ] as const;
  let missed = false;
  let missing = false;
  const parts = bounds.map(([what, value, sign, bound]) => {
    if (value === null) {
      missing = true;
      return `${what}: not measured (${sign} ${bound})`;
    }
    const kept = sign === "≥" ? value.ratio >= bound : value.ratio <= bound;
    if (!kept) missed = true;
    const ratio = value.ratio.toFixed(2);
    const shown = kept ? sign : sign === "≥" ? "<" : ">";
    return `${what}: worst ${ratio} ${shown} ${bound} (${value.where})`;
  });
  const word = missed ? "MISSED" : missing ? "INCOMPLETE" : "PASS";
  return `shm: ${word} | ${parts.join(" | ")}`;
}

function idleTable(results: Results): string {
  return markdownTable(
    ["", "% of a core each", "ticks of 10 ms, all", "over"],
    Object.entries(results.idle).map(([name, idle]) => [
      name,
      formatSpread(spread(idle.shares.map((share) => share * 100)), 3),
      String(idle.ticks),
      `${idle.shares.length} consumers, ${idle.seconds} s`,
    ]),
  );
}

/** The whole report. */
export function markdownReport(results: Results): string {
  const { machine, date, versions, pairs, ms, notes } = results;
  const parts = [
    "# The queue in shared memory",
    `By \`deno task bench:shm\` on ${date.slice(0, 10)}: ${machine}; ` +
    `${
      versions.join(", ")
    }. Each figure is the median (min..max) of ${pairs} ` +
    `runs of ${ms} ms, with 16 consumers of ${
      ms * lengthOf(16)
    }, taken in turns; ratios ` +
    "are taken run by run.",
    "One producer process and 1 to 16 consumer processes. The ring has " +
    `${ringSlots(64)} slots for 64 B and ${ringSlots(4096)} for 4 KiB; ` +
    "libzmq's high-water marks are the default ones. Nobody loses a " +
    "record: the queue holds its producer back, libzmq's publisher has " +
    "XPUB_NODROP, the sockets block. Every consumer checks order and content " +
    "of every record. A rate is that of the slowest consumer. Latency is from " +
    "before the record is written to its being read, one record in 2 ms, all " +
    "consumers asleep in the kernel, after a third of the run with records " +
    "close behind each other, in which the runtimes compile. In place is `claim`, `commit` and " +
    "`view`; copied is `write` and `readSync`. C is `bench/shm/ring.c`, with " +
    "the same layout and protocol.",
    "## Bounds",
    `\`${verdictLine(results)}\``,
    "![Records per second by the number of consumers](shm.svg)",
  ];
  for (const entry of Object.values(results.rows)) {
    const title = titleOf(entry.row);
    parts.push(`## ${title[0]?.toUpperCase()}${title.slice(1)}`);
    parts.push(tableOf(entry));
  }
  if (Object.keys(results.idle).length > 0) {
    parts.push(
      "## Idle consumers",
      "CPU time of consumers that wait for a silent producer, which they look " +
        "after eight times a second.",
      idleTable(results),
    );
  }
  if (notes.length > 0) {
    parts.push("## Notes", notes.map((note) => `- ${note}`).join("\n"));
  }
  return `${parts.join("\n\n")}\n`;
}

/** Records per second against consumers, for records of 64 B. */
export function ratePlot(results: Results): string {
  const entries = Object.values(results.rows).filter(({ row }) =>
    row.kind === "rate" && row.size === 64 && !row.locks
  );
  const names = Object.keys(entries[0]?.readings ?? {});
  return svgPlot({
    title: "Records of 64 B per second, by the number of consumers",
    description: `Of the slowest consumer; median and extremes of ` +
      `${results.pairs} runs. Higher is better.`,
    x: { label: "consumer processes", scale: "log" },
    y: { label: "records per second", scale: "log" },
    series: names.map((name) => ({
      name,
      points: entries.map((entry) => {
        const { median, min, max } = spread(valuesOf(entry, name));
        return { x: entry.row.consumers, y: median, min, max };
      }),
    })),
    notes: [
      `${results.machine}; ${results.versions.join(", ")}; ` +
      results.date.slice(0, 10),
    ],
  });
}
