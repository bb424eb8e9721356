// The pictures of `deno task bench`.

import type { Figure } from "./figures.ts";
import type { RowSamples } from "./measure.ts";
import { type Circumstances, spreadOf, valuesOf } from "./report.ts";
import type { Row } from "./rows.ts";
import {
  type Plot,
  type PlotPoint,
  type PlotSeries,
  svgPlot,
} from "./svg_plot.ts";

/** A picture and its file. */
export interface Picture {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

/** One in so many round trips takes longer. */
const PERCENTILES: readonly (readonly [string, number])[] = [
  ["p50", 2],
  ["p99", 100],
  ["p99.9", 1000],
];

/** The pictures that these rows have points for. */
export function drawPlots(
  rows: readonly RowSamples[],
  about: Circumstances,
): Picture[] {
  const spread = about.pairs === 1
    ? "one run"
    : `median and extremes of ${about.pairs} runs`;
  const notes = [
    `${about.machine}; ${about.versions.join(", ")}; ${
      about.date.slice(0, 10)
    }`,
  ];
  const plots: readonly (readonly [string, Plot])[] = [
    ["throughput.svg", {
      title: "Throughput by size of the messages",
      description: `tcp between two processes, blocking calls; ${spread}. ` +
        "Higher is better.",
      x: { label: "size of a message, B", scale: "log" },
      y: { label: "thousand messages a second", scale: "log" },
      series: seriesByRow(rows, "", (row) => /^tcp_thr_\d+$/.test(row.name)),
      notes,
    }],
    ["latency.svg", {
      title: "Latency and its outliers",
      description: `1 B, one way (half a round trip), blocking calls; ` +
        `${spread}. Lower is better.`,
      x: {
        label: "one in so many takes longer: 2 is p50, 100 p99, 1,000 p99.9",
        scale: "log",
      },
      y: { label: "latency, µs", scale: "log" },
      series: ["tcp_lat_1", "inproc_lat_1"].flatMap((name, place) =>
        latencySeries(rows, name, place)
      ),
      notes,
    }],
    ["scaling.svg", {
      title: "Throughput by I/O workers",
      description: `tcp, 1 KiB, 8 connections, so many workers at each end; ` +
        `${spread}. Higher is better.`,
      x: { label: "I/O workers of each process", scale: "linear" },
      y: { label: "thousand messages a second", scale: "linear" },
      series: seriesByRow(rows, "", (row) => /^tcp_workers_/.test(row.name)),
      notes,
    }],
    ["memory.svg", {
      title: "Memory by connections",
      description: "resident memory of the binding process per idle " +
        `connection; ${spread}. Lower is better.`,
      x: { label: "connections", scale: "log" },
      y: { label: "memory per connection, KiB", scale: "log" },
      series: seriesByRow(
        rows,
        "memory",
        (row) => row.name.startsWith("connections_"),
      ),
      notes,
    }],
  ];
  return plots
    .filter(([, { series }]) => series.some(({ points }) => points.length > 0))
    .map(([file, plot]) => ({ file, title: plot.title, svg: svgPlot(plot) }));
}

/** A series for each contestant, with a point for each row. */
function seriesByRow(
  rows: readonly RowSamples[],
  figureName: string,
  belongs: (row: Row) => boolean,
): PlotSeries[] {
  const chosen = rows.filter(({ row }) => belongs(row));
  return (chosen[0]?.contestants ?? []).map((name) => ({
    name,
    points: chosen.map((samples) =>
      pointOf(samples, figureName, name, samples.row.at)
    ),
  }));
}

/** A series for each contestant, with a point for each percentile. */
function latencySeries(
  rows: readonly RowSamples[],
  rowName: string,
  place: number,
): PlotSeries[] {
  const samples = rows.find(({ row }) => row.name === rowName);
  if (samples === undefined) return [];
  return samples.contestants.map((name, index) => ({
    name: `${name}, ${samples.row.transport}`,
    // A colour for each contestant, a dash and a filling for each transport.
    style: { colour: index, marker: index, dash: place, hollow: place > 0 },
    points: PERCENTILES.map(([figure, oneIn]) =>
      pointOf(samples, figure, name, oneIn)
    ),
  }));
}

function pointOf(
  samples: RowSamples,
  figureName: string,
  name: string,
  x: number,
): PlotPoint {
  const figure = samples.row.figures.find((each: Figure) =>
    each.name === figureName
  );
  const found = figure === undefined
    ? null
    : spreadOf(valuesOf(samples, figure, name));
  if (found === null) return { x, y: NaN };
  const unit = figure?.unit === "msg/s" ? 1000 : 1;
  return {
    x,
    y: found.median / unit,
    min: found.min / unit,
    max: found.max / unit,
  };
}
