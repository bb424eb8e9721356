// The axes of the benches' plots: where a value lies, and which values get a
// line and a label.

export type ScaleKind = "log" | "linear";

/** The most labels that a logarithmic axis has between its decades. */
const LABELS_MAX = 10;

/** Where values lie on an axis. */
export interface Scale {
  /** 0 at the axis' beginning, 1 at its end. */
  at(value: number): number;
  /** Values that get a line and a label. */
  readonly ticks: readonly number[];
  /** Values that get a thin line. */
  readonly minor: readonly number[];
}

/** The scale that holds all of `values`, from a round number to another. */
export function scaleFor(
  values: readonly number[],
  kind: ScaleKind,
): Scale {
  const shown = values.filter((value) =>
    Number.isFinite(value) && (kind === "linear" || value > 0)
  );
  if (shown.length === 0) shown.push(1);
  const min = shown.reduce((a, b) => Math.min(a, b));
  const max = shown.reduce((a, b) => Math.max(a, b));
  return kind === "log" ? logScale(min, max) : linearScale(min, max);
}

function logScale(min: number, max: number): Scale {
  const first = Math.floor(Math.log10(min) + 1e-9);
  const last = Math.ceil(Math.log10(max) - 1e-9);
  const all: number[] = [];
  for (let decade = first; decade <= last; decade++) {
    for (let digit = 1; digit <= 9; digit++) {
      all.push(Number(`${digit}e${decade}`));
    }
  }
  // The axis begins and ends at a 1, a 2 or a 5.
  const round = all.filter((value) => /^[125]/.test(value.toExponential()));
  const from = round.findLast((value) => value <= min * 1.000001) ?? min;
  let to = round.find((value) => value >= max * 0.999999) ?? max;
  if (to === from) to = round.find((value) => value > from) ?? from * 10;
  const within = (value: number): boolean => value >= from && value <= to;
  const few = round.filter(within);
  const ticks = few.length <= LABELS_MAX
    ? few
    : few.filter((value) => value.toExponential().startsWith("1e"));
  const span = Math.log10(to / from);
  return {
    at: (value) => Math.log10(value / from) / span,
    ticks,
    minor: all.filter((value) => within(value) && !ticks.includes(value)),
  };
}

function linearScale(min: number, max: number): Scale {
  // From zero, unless that would squeeze the values into the upper half.
  let from = min >= 0 && min <= max / 2 ? 0 : min;
  const span = max > from ? max - from : Math.abs(max) || 1;
  const rough = span / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power)
    .find((size) => size >= rough) ?? rough;
  from = Math.floor(from / step) * step;
  const count = Math.max(1, Math.ceil((max - from) / step - 1e-9));
  const ticks = Array.from(
    { length: count + 1 },
    (_, index) => Number((from + index * step).toPrecision(12)),
  );
  return {
    at: (value) => (value - from) / (count * step),
    ticks,
    minor: [],
  };
}

/** A tick's label. */
export function formatTick(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return value.toExponential();
  return value.toLocaleString("en-US", { maximumSignificantDigits: 6 });
}
