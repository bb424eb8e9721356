// The picture of `deno task bench:pollers`.

import { spread } from "../harness.ts";
import { type PlotPoint, svgPlot } from "../svg_plot.ts";
import type { Job } from "./measure.ts";
import type { Circumstances } from "./tables.ts";
import { counterpart, cpuPerEvent, type Study, valuesOf } from "./verdicts.ts";

/** Cost per event against watched descriptors. */
export function costPlot(study: Study, about: Circumstances): string {
  return svgPlot({
    title: "What an event costs, by the number of watched descriptors",
    description:
      `CPU time of the watching process per event; median and extremes of ` +
      `${about.pairs} runs. Lower is better.`,
    x: { label: "watched TCP connections, at most 100 active", scale: "log" },
    y: { label: "CPU time per event, µs", scale: "log" },
    series: (study.cost.at(-1) ?? []).map((job) => ({
      name: job.contender.name,
      style: job.contender.style,
      points: study.cost.map((round) => pointOf(counterpart(job, round))),
    })),
    notes: [
      `${about.machine}; ${about.versions.join(", ")}; ` +
      `${about.date.slice(0, 10)}`,
      ...about.notes,
    ],
  });
}

function pointOf(job: Job | undefined): PlotPoint {
  if (job === undefined || job.readings.length === 0) {
    return { x: job?.asked ?? NaN, y: NaN };
  }
  const { median, min, max } = spread(valuesOf(job, cpuPerEvent));
  return { x: job.connections, y: median, min, max };
}
