// The report of `deno task bench:pollers`, as Markdown.

import { type Spread, spread } from "../harness.ts";
import type { Job, Round } from "./measure.ts";
import type { PairReading } from "./readings.ts";
import {
  coreShare,
  counterpart,
  cpuPerEvent,
  eventsPerTurn,
  flatness,
  openedMs,
  peerOf,
  ratioOf,
  setupCpuMs,
  type Study,
  valuesOf,
  wallPerEvent,
} from "./verdicts.ts";

/** A table with its columns aligned. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, column) => {
      const cell = cells[column] ?? "";
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** Median and extremes; a dash where there is none. */
export function formatSpread(value: Spread | null, digits: number): string {
  if (value === null || Number.isNaN(value.median)) return "–";
  const [middle, min, max] = [value.median, value.min, value.max]
    .map((each) => each.toFixed(digits));
  return `${middle} (${min}..${max})`;
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

/** A cell: the figure, and how many descriptors where it is not the column's. */
function cellOf(
  job: Job | undefined,
  figure: (reading: PairReading) => number,
  digits: number,
): string {
  if (job === undefined || job.readings.length === 0) return "–";
  const text = formatSpread(spread(valuesOf(job, figure)), digits);
  return job.connections === job.asked
    ? text
    : `${formatCount(job.connections)}: ${text}`;
}

/** Rows: the contenders; columns: the numbers of watched descriptors. */
function costTable(
  study: Study,
  figure: (reading: PairReading) => number,
  digits: number,
  more: readonly [string, (job: Job) => string][] = [],
): string {
  const head = [
    "poller",
    ...study.cost.map((round) => formatCount(round[0]?.asked ?? 0)),
    ...more.map(([name]) => name),
  ];
  const rows = (study.cost.at(-1) ?? []).map((job) => [
    job.contender.name,
    ...study.cost.map((round) =>
      cellOf(counterpart(job, round), figure, digits)
    ),
    ...more.map(([, text]) => text(job)),
  ]);
  return markdownTable(head, rows);
}

function cpuTable(study: Study): string {
  const largest = study.cost.at(-1) ?? [];
  const most = formatCount(largest[0]?.asked ?? 0);
  return costTable(study, cpuPerEvent, 1, [
    [
      `${most} / 10`,
      (job) => formatSpread(flatness(study, job, largest), 2),
    ],
    [
      "10 active in both",
      (job) => formatSpread(flatness(study, job, study.costFewActive), 2),
    ],
    [
      `${most}: / C`,
      (job) =>
        job.contender.isPeer
          ? ""
          : formatSpread(ratioOf(job, peerOf(largest), cpuPerEvent), 2),
    ],
  ]);
}

function echoTable(round: Round): string {
  const peer = peerOf(round);
  const ratio = (
    job: Job,
    figure: (reading: PairReading) => number,
  ): string => job === peer ? "" : formatSpread(ratioOf(job, peer, figure), 2);
  return markdownTable(
    ["poller", "ms", "/ C", "CPU of the server, ms", "CPU / C"],
    round.map((job) => [
      job.contender.name,
      cellOf(job, openedMs, 0),
      ratio(job, openedMs),
      cellOf(job, setupCpuMs, 0),
      ratio(job, setupCpuMs),
    ]),
  );
}

function idleTable(round: Round): string {
  const percent = (reading: PairReading): number => coreShare(reading) * 100;
  return markdownTable(
    ["poller", "% of a core"],
    round.map((job) => [job.contender.name, cellOf(job, percent, 3)]),
  );
}

/** What stands around the figures. */
export interface Circumstances {
  readonly machine: string;
  readonly date: string;
  readonly versions: readonly string[];
  readonly otherEnd: string;
  readonly pairs: number;
  readonly idleSeconds: number;
  readonly notes: readonly string[];
}

/** The whole report. */
export function markdownReport(
  study: Study,
  about: Circumstances,
  verdict: string,
): string {
  const { pairs, idleSeconds } = about;
  const parts = [
    "# Pollers",
    `By \`deno task bench:pollers\` on ${about.date.slice(0, 10)}: ` +
    `${about.machine}; ${about.versions.join(", ")}. Each figure is the ` +
    `median (min..max) of ${pairs} runs, taken in turns; ratios are taken run ` +
    "by run.",
  ];
  if (study.cost.length > 0) {
    parts.push(
      "## CPU time per event, µs",
      "By the number of watched connections over TCP's loopback, of which at " +
        `most 100 are active: one byte goes to and fro on each. ` +
        `${about.otherEnd}, in a process of its own, holds the other ends. An ` +
        "event is a byte that is waited for, received and sent back; its cost " +
        "is the CPU time of the watching process by the events, the system's " +
        "part included.",
      cpuTable(study),
      "![CPU time per event by the number of watched descriptors](pollers.svg)",
      "## Wall time per event, µs",
      "The same runs. Both processes share the machine with whatever else ran.",
      costTable(study, wallPerEvent, 1),
      "## Events per turn",
      "The same runs: how many events one call of the poller brought.",
      costTable(study, eventsPerTurn, 1),
    );
  }
  if (study.echo.length > 0) {
    const count = formatCount(study.echo[0]?.asked ?? 0);
    parts.push(
      `## Accepting ${count} connections and echoing once on each`,
      "From the first connect to the last echo, at most 128 of them " +
        "outstanding. The C program is `bench/pollers/echo_epoll.c`.",
      echoTable(study.echo),
    );
  }
  if (study.idle.length > 0) {
    const count = formatCount(study.idle[0]?.asked ?? 0);
    parts.push(
      `## Idle with ${count} connections`,
      `Over ${idleSeconds} s, waking once in a second.`,
      idleTable(study.idle),
    );
  }
  if (about.notes.length > 0) {
    parts.push("## Notes", about.notes.map((note) => `- ${note}`).join("\n"));
  }
  parts.push("## Bounds", `\`${verdict}\``);
  return `${parts.join("\n\n")}\n`;
}
