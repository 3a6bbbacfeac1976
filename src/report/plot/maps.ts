/**
 * Maps as pictures beside each other: what a network sees where.
 *
 * @module
 */

import type { PlotOptions } from "npm:@observablehq/plot@0.6.17";
import { FeatherdetError } from "../../graph/error.ts";
import { figure, type LegendItem } from "./figure.ts";
import { textWidth, wrapText } from "./measure.ts";
import { element } from "./svg.ts";
import { hex, SIZES } from "./theme.ts";

/** A map and its place among the others. */
export interface DrawnMap {
  /** What stands at the left of all maps of its row. */
  readonly row: string;
  /** What stands above all maps of its column. */
  readonly column: string;
  /** Cells from top to bottom, and from left to right. */
  readonly size: readonly [height: number, width: number];
  /** A value for each cell, row by row. */
  readonly values: ArrayLike<number>;
}

/** What is written on the plot, and what its colours mean. */
export interface MapPlotOptions {
  /** What is shown. */
  readonly title: string;
  /** Of which picture, and where it was computed. */
  readonly subtitle?: string;
  /** What the values are, for the legend. */
  readonly valueLabel: string;
  /** Values of the lightest and the darkest colour; by default the least and the greatest of each map, which differ from map to map. */
  readonly range?: readonly [least: number, greatest: number];
}

/** Colours from light to dark; more could not be told apart. */
const SHADES = 16;

/** The colours that shades lie between. */
const LIGHT = [238, 240, 244], MIDDLE = [64, 132, 196], DARK = [12, 20, 60];

/** Pixels: the largest side of a map, between maps, around all, from line to line of text, and the width of the figure. */
const SIDE = 160, GAP = 10, EDGE = 16, LINE = 16, LEAST_WIDTH = 480, MOST_WIDTH = 760;

function shadeColour(shade: number): string {
  const place = 2 * shade / (SHADES - 1);
  const [from, to, share] = place <= 1 ? [LIGHT, MIDDLE, place] : [MIDDLE, DARK, place - 1];
  const [red, green, blue] = from.map((value, i) => value + share * (to[i] - value));
  return hex([red, green, blue]);
}

/** The shade of each cell. */
function shades({ values }: DrawnMap, range: MapPlotOptions["range"]): Uint8Array {
  const all = Array.from(values);
  const [least, greatest] = range ?? [Math.min(...all), Math.max(...all)];
  const span = greatest > least ? greatest - least : 1;
  return Uint8Array.from(all, (value) => {
    return Math.min(SHADES - 1, Math.max(0, Math.floor(SHADES * (value - least) / span)));
  });
}

/** A path for each shade: neighbours of a row that have it are one rectangle. */
function mapElement(map: DrawnMap, left: number, side: number, range: MapPlotOptions["range"]): SVGElement {
  const { size: [height, width], row, column } = map, cell = side / width, shaded = shades(map, range);
  const paths = Array.from({ length: SHADES }, () => "");
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width;) {
      const from = x, shade = shaded[y * width + x];
      while (x < width && shaded[y * width + x] === shade) x++;
      paths[shade] += `M${from},${y}H${x}v1H${from}z`;
    }
  }
  return element(
    "g",
    {
      "aria-label": `${column}, ${row}`,
      transform: `translate(${left},0) scale(${cell})`,
      // Rounding at the edges of cells would let the paper through.
      "shape-rendering": "crispEdges",
    },
    ...paths.flatMap((d, shade) => d === "" ? [] : [element("path", { d, fill: shadeColour(shade) })]),
  );
}

/** Lines of text, the last of them just above the maps. */
function headingElements(lines: readonly string[], middle: number): SVGElement[] {
  return lines.map((text, line) => {
    const y = -6 - LINE * (lines.length - 1 - line);
    return element("text", { x: middle, y, "text-anchor": "middle" }, text);
  });
}

function check(maps: readonly DrawnMap[]): void {
  if (maps.length === 0) throw new FeatherdetError("there are no maps to draw");
  for (const { row, column, size: [height, width], values } of maps) {
    if (values.length === height * width) continue;
    throw new FeatherdetError(
      `the map "${column}" of "${row}" has ${values.length} values, expected ${height} x ${width}`,
    );
  }
}

/**
 * Draws maps in rows and columns; a larger value is darker. Maps are drawn equally wide, whatever their number of cells. Returns an SVG
 * file's text.
 *
 * Throws FeatherdetError for a map with another number of values than cells, and if there are none.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawMaps } from "./maps.ts";
 * const maps = ["teacher", "student"].map((column) => ({ column, row: "level 1", size: [2, 3] as const, values: [0, 1, 2, 3, 4, 5] }));
 * assert.ok(drawMaps(maps, { title: "Two maps", valueLabel: "activity" }).includes("teacher, level 1"));
 * ```
 */
export function drawMaps(
  maps: readonly DrawnMap[],
  { title, subtitle, valueLabel, range }: MapPlotOptions,
): string {
  check(maps);
  const rows = [...new Set(maps.map(({ row }) => row))], columns = [...new Set(maps.map(({ column }) => column))];
  const left = EDGE + GAP + Math.ceil(Math.max(...rows.map((row) => textWidth(row, SIZES.text))));
  const side = Math.min(SIDE, Math.floor((MOST_WIDTH - left - EDGE) / columns.length) - GAP);
  const width = Math.max(LEAST_WIDTH, left + columns.length * (side + GAP) + EDGE);
  const headings = columns.map((column) => wrapText(column, side, SIZES.text));
  const lines = Math.max(...headings.map(({ length }) => length));
  const panels = rows.map((row, place): PlotOptions => {
    const drawn = maps.filter((map) => map.row === row);
    const tall = Math.max(...drawn.map(({ size: [height, width] }) => side * height / width));
    const top = place === 0 ? LINE * lines + GAP : 0;
    const draw = () =>
      element(
        "g",
        { transform: `translate(0,${top})` },
        element("text", { x: left - GAP, y: tall / 2, dy: "0.35em", "text-anchor": "end" }, row),
        ...drawn.map((map) => mapElement(map, left + columns.indexOf(map.column) * (side + GAP), side, range)),
        ...place > 0
          ? []
          : headings.flatMap((heading, i) => headingElements(heading, left + i * (side + GAP) + side / 2)),
      );
    return { height: Math.ceil(top + tall + GAP), marks: [draw] };
  });
  const [least, greatest] = range ?? ["least of each map", "greatest of each map"];
  const legend: LegendItem[] = [
    { label: `${valueLabel}: ${least}`, colour: shadeColour(0), shape: "box" },
    { label: String(greatest), colour: shadeColour(SHADES - 1), shape: "box" },
  ];
  return figure({ title, subtitle, width, legend, panels });
}
