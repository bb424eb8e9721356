import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Plot, PLOT_COLOURS, svgPlot } from "../../../bench/svg_plot.ts";

function plotOf(changes: Partial<Plot> = {}): Plot {
  return {
    title: "A title",
    description: "What it shows",
    x: { label: "size, B", scale: "log" },
    y: { label: "time, ms", scale: "log" },
    series: [
      {
        name: "first",
        points: [{ x: 1, y: 2 }, { x: 10, y: 20, min: 15, max: 30 }],
      },
      { name: "second", points: [{ x: 1, y: 3 }, { x: 100, y: 300 }] },
    ],
    ...changes,
  };
}

/** The value of each `name="…"` in elements of that tag. */
function attributes(svg: string, tag: string, name: string): string[] {
  const elements = svg.match(new RegExp(`<${tag}\\s[^>]*>`, "g")) ?? [];
  return elements.flatMap((element) =>
    new RegExp(`\\s${name}="([^"]*)"`).exec(element)?.[1] ?? []
  );
}

function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)]
    .map((match) => match[1] ?? "");
}

/** Throws where elements are not closed, in the order in which they opened. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, slash, name, rest] of svg.matchAll(/<(\/?)(\w+)([^<>]*)>/g)) {
    if (slash === "/") assert.equal(open.pop(), name);
    else if (!rest?.endsWith("/")) open.push(name ?? "");
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
}

/** WCAG 2.2: the ratio of a colour's luminance to that of white. */
function contrastToWhite(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

describe("a plot", () => {
  test("is well-formed and says what it shows, in text", () => {
    const svg = svgPlot(plotOf({ notes: ["a note"] }));
    assertWellFormed(svg);
    const found = texts(svg);
    for (
      const words of [
        "A title",
        "What it shows",
        "size, B",
        "time, ms",
        "first",
        "second",
        "a note",
      ]
    ) assert.ok(found.includes(words), words);
    assert.match(svg, /role="img" aria-labelledby="plot-title plot-descri/);
    assert.match(svg, /<title id="plot-title">A title<\/title>/);
    assert.match(svg, /<desc id="plot-description">What it shows<\/desc>/);
  });

  test("escapes what the words may contain", () => {
    const svg = svgPlot(plotOf({ title: `a < b & "c" > d` }));
    assertWellFormed(svg);
    assert.ok(texts(svg).includes("a &lt; b &amp; &quot;c&quot; &gt; d"));
  });

  test("draws a line, markers and an error bar per series", () => {
    const svg = svgPlot(plotOf());
    const titles = [...svg.matchAll(/<title>([^<]*)<\/title>/g)]
      .map((match) => match[1]);
    assert.deepEqual(titles, [
      "first, 1: 2",
      "first, 10: 20 (15..30)",
      "second, 1: 3",
      "second, 100: 300",
    ]);
    const paths = attributes(svg, "path", "d");
    assert.equal(
      paths.filter((path) => /^M[\d.]+ [\d.]+V/.test(path)).length,
      1,
    );
    // Four points and two entries of the legend.
    assert.equal(attributes(svg, "path", "transform").length, 6);
  });

  test("puts larger values higher and to the right", () => {
    const places = attributes(svgPlot(plotOf()), "path", "transform")
      .slice(0, 2).map((text) => text.match(/[\d.]+/g)?.map(Number) ?? []);
    const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = places;
    assert.ok(x2 > x1, `${x1} < ${x2}`);
    assert.ok(y2 < y1, `${y1} > ${y2}`);
  });

  test("leaves a gap where nothing was measured", () => {
    const points = [
      { x: 1, y: 1 },
      { x: 2, y: 2 },
      { x: 3, y: NaN },
      { x: 4, y: 0 },
      { x: 5, y: 5 },
    ];
    const svg = svgPlot(plotOf({ series: [{ name: "only", points }] }));
    assertWellFormed(svg);
    const [line = ""] = attributes(svg, "path", "d");
    assert.equal(line.match(/M/g)?.length, 2);
    assert.equal(line.match(/L/g)?.length, 1);
    assert.equal(svg.match(/<title>/g)?.length, 3);
  });

  test("can be read without colours", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const points = [{ x: 1, y: 1 }, { x: 2, y: 2 }];
    const svg = svgPlot(plotOf({
      series: names.map((name) => ({ name, points })),
    }));
    const markers = attributes(svg, "path", "d")
      .filter((path) => path.endsWith("Z"));
    assert.equal(new Set(markers).size, names.length);
    // One series is not dashed.
    const dashes = new Set(attributes(svg, "path", "stroke-dasharray"));
    assert.equal(dashes.size, names.length - 1);
  });

  test("takes the style it is given", () => {
    const style = { colour: 2, marker: 1, dash: 0, hollow: true };
    const points = [{ x: 1, y: 1 }];
    const svg = svgPlot(plotOf({ series: [{ name: "s", points, style }] }));
    assert.ok(
      attributes(svg, "g", "stroke").every((c) => c === PLOT_COLOURS[2]),
    );
    assert.equal(attributes(svg, "path", "stroke-dasharray").length, 0);
    assert.ok(attributes(svg, "path", "fill").includes("#ffffff"));
  });

  test("breaks long notes and makes room for them", () => {
    const heightOf = (svg: string): number =>
      Number(attributes(svg, "svg", "height")[0]);
    const long = "many words ".repeat(20).trim();
    const svg = svgPlot(plotOf({ notes: ["short", long] }));
    const found = texts(svg);
    assert.ok(found.includes("short") && !found.includes(long));
    assert.ok(found.every((line) => line.length <= 140));
    const joined = found.slice(found.indexOf("short") + 1).join(" ")
      .replaceAll("\u2003", "");
    assert.equal(joined, long);
    assert.ok(heightOf(svg) > heightOf(svgPlot(plotOf({ notes: ["short"] }))));
  });

  test("is a plot without any point", () => {
    assertWellFormed(svgPlot(plotOf({ series: [] })));
  });

  test("stands out from its background", () => {
    for (const colour of PLOT_COLOURS) {
      const contrast = contrastToWhite(colour);
      assert.ok(contrast >= 4.5, `${colour}: ${contrast}`);
    }
    assert.equal(new Set(PLOT_COLOURS).size, PLOT_COLOURS.length);
  });
});
