// What the library counts itself while a row runs: waits, wake-ups and stalls
// (`Context.activity`), printed by each program for its own end.

import type { Context } from "../mod.ts";
import type { Lines } from "./figures.ts";
import { printLine } from "./perf_arguments.ts";

/** Which part of a run a program is; inproc programs are both in one. */
export const ENDS = ["sender", "receiver", "both ends"] as const;
export type End = typeof ENDS[number];

export const COUNTS = ["waits", "wake-ups", "stalls"] as const;
export type Count = typeof COUNTS[number];

const UNIT = "[per 1000]";

/** Prints what a context did for so many messages, deliveries or round trips. */
export function printActivity(context: Context, end: End, count: number): void {
  const { waits, wakeUps, stalls } = context.activity;
  const counted: Readonly<Record<Count, number>> = {
    waits,
    "wake-ups": wakeUps,
    stalls,
  };
  for (const name of COUNTS) {
    const perThousand = counted[name] / count * 1000;
    printLine(`${end} ${name}: ${perThousand.toFixed(3)} ${UNIT}`);
  }
}

/** Name under which one count of one end is kept. */
export function activityName(end: End, count: Count): string {
  return `${end} ${count}`;
}

/** What a run printed of this, by {@linkcode activityName}. */
export function activityOf(lines: Lines): Record<string, number> {
  const found: Record<string, number> = {};
  for (const end of ENDS) {
    for (const count of COUNTS) {
      const name = activityName(end, count);
      const value = lines.get(`${name} ${UNIT}`);
      if (value !== undefined) found[name] = value;
    }
  }
  return found;
}
