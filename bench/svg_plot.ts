// Line plots as SVG, without dependencies: what the benches' tables say, to be
// seen at a glance. Text stays text, every series has a marker and a dash of its
// own besides its colour, and every point tells its figures when pointed at.

import {
  formatTick,
  type Scale,
  scaleFor,
  type ScaleKind,
} from "./plot_scale.ts";

/** One point; without `min` and `max` it has no error bar. NaN is a gap. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  readonly min?: number;
  readonly max?: number;
}

/**
 * How a series looks: numbers of a colour, a marker and a dash, which begin
 * anew after the last one. Without it a series has those of its place.
 */
export interface PlotStyle {
  readonly colour: number;
  readonly marker: number;
  readonly dash: number;
  /** Markers that are outlines. */
  readonly hollow?: boolean;
}

export interface PlotSeries {
  readonly name: string;
  readonly points: readonly PlotPoint[];
  readonly style?: PlotStyle;
}

export interface PlotAxis {
  /** What it shows, with its unit. */
  readonly label: string;
  readonly scale: ScaleKind;
}

export interface Plot {
  readonly title: string;
  /** A line under the title, and what is read out in place of the picture. */
  readonly description: string;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly series: readonly PlotSeries[];
  /** Lines under the plot. */
  readonly notes?: readonly string[];
}

/** Colours that stand out from white by at least 4.5 : 1 (WCAG 2.2, 1.4.3). */
export const PLOT_COLOURS: readonly string[] = [
  "#0b5394",
  "#b0450a",
  "#046c4e",
  "#9d174d",
  "#5b21b6",
  "#374151",
  "#0e6a83",
  "#7c2d12",
];

const DASHES = ["", "7 4", "2 3", "10 3 2 3", "14 5", "5 2 2 2 2 2"];

const WIDTH = 960;
const AREA = { left: 78, right: 700, top: 78, bottom: 500 };
const LEGEND_LEFT = AREA.right + 24;
const LEGEND_STEP = 24;
const NOTE_TOP = AREA.bottom + 72;
const NOTE_STEP = 18;
const MARKER_SIZE = 4.5;
const BAR_CAP = 4;
/** Keeps the outermost points off the frame. */
const INSET = 18;
/** Characters of a note that fit beside each other, at its size. */
const NOTE_COLUMNS = 140;

/** Draws a plot: a whole SVG file. */
export function svgPlot(plot: Plot): string {
  const points = plot.series.flatMap((series) => series.points)
    .filter((point) => drawable(point, plot));
  const x = scaleFor(points.map((point) => point.x), plot.x.scale);
  const y = scaleFor(
    points.flatMap(({ y: middle, min, max }) => [
      middle,
      min ?? middle,
      max ?? middle,
    ]),
    plot.y.scale,
  );
  const place: Place = {
    x: (value) =>
      AREA.left + INSET + x.at(value) * (AREA.right - AREA.left - 2 * INSET),
    y: (value) => AREA.bottom - y.at(value) * (AREA.bottom - AREA.top),
  };
  const notes = (plot.notes ?? []).flatMap(wrapNote);
  const legendBottom = AREA.top + plot.series.length * LEGEND_STEP;
  const height = Math.max(NOTE_TOP + notes.length * NOTE_STEP, legendBottom) +
    12;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" ` +
    `aria-labelledby="plot-title plot-description" ` +
    `font-family="system-ui, sans-serif" font-size="13" fill="#1f2937">`,
    `<title id="plot-title">${escape(plot.title)}</title>`,
    `<desc id="plot-description">${escape(plot.description)}</desc>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    textAt(AREA.left, 30, plot.title, `font-size="19" font-weight="600"`),
    textAt(AREA.left, 53, plot.description),
    ...drawAxes(plot, x, y, place),
    ...plot.series.flatMap((series, index) =>
      drawSeries(plot, series, styleOf(series, index), place)
    ),
    ...plot.series.flatMap(drawLegendLine),
    ...notes.map((note, index) =>
      textAt(AREA.left, NOTE_TOP + index * NOTE_STEP, note, `font-size="12"`)
    ),
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}

/** Pixels of values. */
interface Place {
  x(value: number): number;
  y(value: number): number;
}

/** Whether an axis has a place for it: zero is nowhere on a logarithmic one. */
function drawable(point: PlotPoint, plot: Plot): boolean {
  return [[point.x, plot.x.scale], [point.y, plot.y.scale]].every(
    ([value, scale]) =>
      Number.isFinite(value) && (scale === "linear" || Number(value) > 0),
  );
}

function drawAxes(plot: Plot, x: Scale, y: Scale, place: Place): string[] {
  const { left, right, top, bottom } = AREA;
  const vertical = (value: number, colour: string): string =>
    lineOf(place.x(value), top, place.x(value), bottom, `stroke="${colour}"`);
  const horizontal = (value: number, colour: string): string =>
    lineOf(left, place.y(value), right, place.y(value), `stroke="${colour}"`);
  const middle = (top + bottom) / 2;
  return [
    ...x.minor.map((value) => vertical(value, "#f1f3f5")),
    ...y.minor.map((value) => horizontal(value, "#f1f3f5")),
    ...x.ticks.map((value) => vertical(value, "#cfd4da")),
    ...y.ticks.map((value) => horizontal(value, "#cfd4da")),
    `<rect x="${left}" y="${top}" width="${right - left}" ` +
    `height="${bottom - top}" fill="none" stroke="#4b5563"/>`,
    ...x.ticks.map((value) =>
      textAt(
        place.x(value),
        bottom + 20,
        formatTick(value),
        `text-anchor="middle"`,
      )
    ),
    ...y.ticks.map((value) =>
      textAt(
        left - 8,
        place.y(value) + 4,
        formatTick(value),
        `text-anchor="end"`,
      )
    ),
    textAt(
      (left + right) / 2,
      bottom + 44,
      plot.x.label,
      `text-anchor="middle"`,
    ),
    textAt(
      22,
      middle,
      plot.y.label,
      `text-anchor="middle" transform="rotate(-90 22 ${middle})"`,
    ),
  ];
}

interface Style {
  readonly colour: string;
  readonly dash: string;
  readonly marker: number;
  readonly hollow: boolean;
}

function styleOf(series: PlotSeries, index: number): Style {
  const chosen = series.style;
  const colour = (chosen?.colour ?? index) % PLOT_COLOURS.length;
  const dash = (chosen?.dash ?? index) % DASHES.length;
  return {
    colour: PLOT_COLOURS[colour] ?? "#000000",
    dash: DASHES[dash] ?? "",
    marker: chosen?.marker ?? index,
    hollow: chosen?.hollow ?? false,
  };
}

function drawSeries(
  plot: Plot,
  series: PlotSeries,
  style: Style,
  place: Place,
): string[] {
  const drawn: string[] = [];
  let path = "";
  for (const point of series.points) {
    if (!drawable(point, plot)) {
      // What was not measured is not bridged.
      path += " ";
      continue;
    }
    const x = place.x(point.x);
    const y = place.y(point.y);
    path += `${path === "" || path.endsWith(" ") ? "M" : "L"}${at(x)} ${at(y)}`;
    const { min, max } = point;
    const bar = min !== undefined && max !== undefined &&
        drawable({ x: point.x, y: min }, plot)
      ? errorBar(x, place.y(min), place.y(max))
      : "";
    drawn.push(
      `<g stroke="${style.colour}" stroke-width="1.6" fill="none">`,
      `<title>${escape(pointText(series.name, point))}</title>`,
      ...(bar === "" ? [] : [`<path d="${bar}" stroke-width="1.2"/>`]),
      markerAt(x, y, style),
      "</g>",
    );
  }
  return [linePath(path, style), ...drawn];
}

function pointText(name: string, { x, y, min, max }: PlotPoint): string {
  const range = min === undefined || max === undefined
    ? ""
    : ` (${round(min)}..${round(max)})`;
  return `${name}, ${formatTick(x)}: ${round(y)}${range}`;
}

function round(value: number): string {
  return formatTick(Number(value.toPrecision(3)));
}

function errorBar(x: number, low: number, high: number): string {
  return `M${at(x)} ${at(low)}V${at(high)}` +
    `M${at(x - BAR_CAP)} ${at(low)}h${2 * BAR_CAP}` +
    `M${at(x - BAR_CAP)} ${at(high)}h${2 * BAR_CAP}`;
}

function linePath(path: string, style: Style): string {
  const dash = style.dash === "" ? "" : ` stroke-dasharray="${style.dash}"`;
  return `<path d="${path.trim()}" fill="none" stroke="${style.colour}" ` +
    `stroke-width="2"${dash}/>`;
}

/** Outlines around 0 0, of size 1; the first ones differ the most. */
const MARKERS: readonly string[] = [
  "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0Z",
  "M-0.9 -0.9H0.9V0.9H-0.9Z",
  "M0 -1.2L1.1 0.8H-1.1Z",
  "M0 -1.3L1.1 0L0 1.3L-1.1 0Z",
  "M0 1.2L1.1 -0.8H-1.1Z",
  "M-1.1 0L-0.5 -1.1H0.5L1.1 0L0.5 1.1H-0.5Z",
  "M-0.4 -1.2H0.4V-0.4H1.2V0.4H0.4V1.2H-0.4V0.4H-1.2V-0.4H-0.4Z",
];

function markerAt(x: number, y: number, style: Style): string {
  const outline = MARKERS[style.marker % MARKERS.length] ?? "";
  const fill = style.hollow ? "#ffffff" : style.colour;
  return `<path d="${outline}" fill="${fill}" ` +
    `transform="translate(${at(x)} ${at(y)}) scale(${MARKER_SIZE})" ` +
    `stroke-width="${at(1.6 / MARKER_SIZE)}"/>`;
}

function drawLegendLine(series: PlotSeries, index: number): string[] {
  const style = styleOf(series, index);
  const y = AREA.top + 10 + index * LEGEND_STEP;
  const [left, right] = [LEGEND_LEFT, LEGEND_LEFT + 44];
  return [
    linePath(`M${left} ${y}H${right}`, style),
    `<g stroke="${style.colour}">${markerAt(left + 22, y, style)}</g>`,
    textAt(right + 10, y + 4, series.name),
  ];
}

/** The lines of a note; those after the first are indented. */
function wrapNote(note: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of note.split(" ")) {
    if (line.length + word.length >= NOTE_COLUMNS) {
      lines.push(line);
      line = "\u2003";
    }
    line += line === "" || line === "\u2003" ? word : ` ${word}`;
  }
  return [...lines, line];
}

function lineOf(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  attributes: string,
): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" ` +
    `${attributes}/>`;
}

function textAt(
  x: number,
  y: number,
  words: string,
  attributes: string = "",
): string {
  const more = attributes === "" ? "" : ` ${attributes}`;
  return `<text x="${at(x)}" y="${at(y)}"${more}>${escape(words)}</text>`;
}

/** A coordinate: a tenth of a pixel is more than anybody sees. */
function at(pixels: number): string {
  return String(Math.round(pixels * 10) / 10);
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
