/**
 * Bars that are made of parts: where time or memory goes.
 *
 * @module
 */

import { barX, gridX, type PlotOptions, ruleX, text } from "npm:@observablehq/plot@0.6.17";
import { figure } from "./figure.ts";
import { textWidth } from "./measure.ts";
import { INK, seriesColours, SIZES } from "./theme.ts";

/** A part of a bar. */
export interface BarPart {
  /** Which bar it belongs to. */
  readonly bar: string;
  /** Name of the part. Parts of the same name have one colour. */
  readonly part: string;
  /** Its length, not below 0. */
  readonly value: number;
}

/** What is written on the plot. */
export interface BarOptions {
  /** What is shown. */
  readonly title: string;
  /** Where it was measured. */
  readonly subtitle?: string;
  /** What is measured, and its unit. */
  readonly xLabel: string;
  /** The unit, written behind each bar's sum and each part in the legend. */
  readonly unit?: string;
}

const WIDTH = 760, ROW = 30;

/** A number with as many decimals as its size asks for. */
function short(value: number): string {
  if (value === 0) return "0";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 0.1 ? value.toFixed(2) : "<0.1";
}

/**
 * Draws bars below each other, each made of its parts in the order given, with their sum behind it. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawBars } from "./bars.ts";
 * const parts = [{ bar: "frame", part: "network", value: 90 }, { bar: "frame", part: "readback", value: 11 }];
 * const svg = drawBars(parts, { title: "A frame", xLabel: "time (ms)", unit: "ms" });
 * assert.ok(svg.startsWith("<svg"));
 * ```
 */
export function drawBars(parts: readonly BarPart[], { title, subtitle, xLabel, unit = "" }: BarOptions): string {
  const colours = seriesColours(parts.map(({ part }) => part));
  const names = [...new Set(parts.map(({ bar }) => bar))];
  const withUnit = (value: number) => `${short(value)} ${unit}`.trim();
  const sums = names.map((bar) => {
    return { bar, sum: parts.reduce((sum, part) => part.bar === bar ? sum + part.value : sum, 0) };
  });
  const longest = Math.max(...sums.map(({ sum }) => sum));
  const room = Math.max(...names.map((name) => textWidth(name, SIZES.label)));
  const behind = Math.max(...sums.map(({ sum }) => textWidth(withUnit(sum), SIZES.label)));
  const panel: PlotOptions = {
    height: 62 + ROW * names.length,
    marginLeft: Math.ceil(Math.max(room, 10)) + 28,
    marginRight: Math.ceil(behind) + 24,
    marginTop: 12,
    marginBottom: 44,
    color: { type: "identity" },
    x: { label: xLabel, domain: [0, longest || 1] },
    y: { label: null, domain: names, padding: 0.2 },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.1 }),
      barX(parts, {
        x: "value",
        y: "bar",
        fill: ({ part }: BarPart) => colours.get(part),
        title: ({ bar, part, value }: BarPart) => `${bar}, ${part}: ${withUnit(value)}`,
      }),
      text(sums, { x: "sum", y: "bar", text: ({ sum }) => withUnit(sum), textAnchor: "start", dx: 5 }),
      ruleX([0], { stroke: INK }),
    ],
  };
  const legend = [...colours].map(([part, colour]) => {
    const members = parts.filter((one) => one.part === part);
    const label = names.length === 1 ? `${part} ${withUnit(members.reduce((sum, { value }) => sum + value, 0))}` : part;
    return { label, colour, shape: "box" as const };
  });
  return figure({ title, subtitle, width: WIDTH, legend, panels: [panel] });
}
