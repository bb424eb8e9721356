// The table of what the library counted itself.

import { activityName, COUNTS, ENDS } from "./activity.ts";
import { median } from "./harness.ts";
import type { RowSamples } from "./measure.ts";
import { markdownTable } from "./pollers/tables.ts";

/** Waits, wake-ups and stalls per thousand, by row and end; empty without any. */
export function activityTable(rows: readonly RowSamples[]): string {
  const names = [
    ...new Set(rows.flatMap(({ activity }) => Object.keys(activity))),
  ];
  const lines = rows.flatMap(({ row, activity }) =>
    ENDS.flatMap((end) => {
      const cells = names.flatMap((name) =>
        COUNTS.map((count) => activity[name]?.[activityName(end, count)])
      );
      if (cells.every((values) => values === undefined)) return [];
      return [[`${row.title}: ${end}`, ...cells.map(formatCounts)]];
    })
  );
  if (lines.length === 0) return "";
  const heads = names.flatMap((name) =>
    COUNTS.map((count) => `${name}, ${count}`)
  );
  return markdownTable(["", ...heads], lines);
}

function formatCounts(values: readonly number[] | undefined): string {
  if (values === undefined || values.length === 0) return "–";
  const value = median(values);
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}
