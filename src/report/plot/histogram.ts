/**
 * What calibration saw of a value, and the ranges that are chosen for it.
 *
 * @module
 */

import { gridY, type PlotOptions, rectY, ruleX, ruleY } from "npm:@observablehq/plot@0.6.17";
import { figure } from "./figure.ts";
import { INK, NEUTRAL, seriesColours } from "./theme.ts";

/** Counts of numbers by size: bin i holds those from `low + i * width` on. */
export interface HistogramCounts {
  /** Lower edge of the first bin. */
  readonly low: number;
  /** Width of a bin. */
  readonly width: number;
  /** Numbers in each bin. */
  readonly counts: ArrayLike<number>;
}

/** A range that was chosen; its ends are drawn as lines. */
export interface HistogramRange {
  /** Who chose it. */
  readonly label: string;
  /** Its lower end. */
  readonly low: number;
  /** Its upper end. */
  readonly high: number;
}

/** What is written on the plot. */
export interface HistogramOptions {
  /** Which value it is. */
  readonly title: string;
  /** What it was seen on. */
  readonly subtitle?: string;
  /** What the numbers are; `value` by default. */
  readonly xLabel?: string;
}

const WIDTH = 760, HEIGHT = 300;

/** Most bars: more could not be told apart. */
const BARS = 180;

/** A bar: its edges and how many numbers it stands for. */
interface Bar {
  readonly x1: number;
  readonly x2: number;
  readonly count: number;
}

/** Neighbouring bins together, so that there are at most `BARS`; those without a number are left out. */
function barsOf({ low, width, counts }: HistogramCounts): Bar[] {
  const group = Math.ceil(counts.length / BARS);
  return Array.from({ length: Math.ceil(counts.length / group) }, (_, bar) => {
    const first = bar * group, end = Math.min(first + group, counts.length);
    let count = 0;
    for (let i = first; i < end; i++) count += counts[i];
    return { x1: low + first * width, x2: low + end * width, count };
  }).filter(({ count }) => count > 0);
}

/**
 * Draws a histogram with both ends of each range. The axis of counts is logarithmic, since ranges differ in the few outliers. Returns an
 * SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawHistogram } from "./histogram.ts";
 * const seen = { low: -0.25, width: 0.25, counts: [80, 900, 40, 9, 1] }; // or `calibrated.statistics.values.get(name)!.histogram`
 * const svg = drawHistogram(seen, [{ label: "mse", low: -0.2, high: 0.75 }], { title: "What the layer makes" });
 * assert.ok(svg.startsWith("<svg"));
 * ```
 */
export function drawHistogram(
  seen: HistogramCounts,
  ranges: readonly HistogramRange[],
  { title, subtitle, xLabel = "value" }: HistogramOptions,
): string {
  const bars = barsOf(seen);
  const colours = seriesColours(ranges.map(({ label }) => label));
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const ends = ranges.flatMap(({ label, low, high }) => [{ label, at: low }, { label, at: high }]);
  const edges = [...bars.flatMap(({ x1, x2 }) => [x1, x2]), ...ends.map(({ at }) => at)];
  const panel: PlotOptions = {
    height: HEIGHT,
    marginLeft: 56,
    marginRight: 20,
    marginTop: 30,
    marginBottom: 40,
    color: { type: "identity" },
    x: { label: xLabel, domain: edges.length > 0 ? [Math.min(...edges), Math.max(...edges)] : [0, 1] },
    y: { type: "log", label: "how many", domain: [0.5, 2 * most], labelOffset: 46, ticks: 5, tickFormat: "~s" },
    marks: [
      gridY({ stroke: INK, strokeOpacity: 0.1, ticks: 5 }),
      rectY(bars, {
        x1: "x1",
        x2: "x2",
        y1: () => 0.5,
        y2: "count",
        fill: NEUTRAL,
        title: ({ x1, x2, count }: Bar) => `${x1.toPrecision(4)} to ${x2.toPrecision(4)}: ${count}`,
      }),
      ruleX(ends, {
        x: "at",
        stroke: ({ label }: { label: string }) => colours.get(label),
        strokeWidth: 2,
        title: ({ label, at }: { label: string; at: number }) => `${label}: ${at.toPrecision(4)}`,
      }),
      ruleY([0.5], { stroke: INK }),
    ],
  };
  const legend = ranges.map(({ label, low, high }) => ({
    label: `${label}: ${low.toPrecision(3)} to ${high.toPrecision(3)}`,
    colour: colours.get(label)!,
    shape: "line" as const,
  }));
  return figure({ title, subtitle, width: WIDTH, legend, panels: [panel] });
}
