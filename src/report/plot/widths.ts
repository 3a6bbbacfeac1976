/**
 * Widths of layers before and after a cut: channels and operations, layer by layer.
 *
 * @module
 */

import { axisX, gridY, type PlotOptions, rectY, ruleY } from "npm:@observablehq/plot@0.6.17";
import type { PrunedLayer, PruneReport } from "../../compress/prune/mod.ts";
import { figure, type LegendItem } from "./figure.ts";
import { textWidth } from "./measure.ts";
import { INK, NEUTRAL, seriesColour, SIZES } from "./theme.ts";

/** What is written on the plot. */
export interface WidthPlotOptions {
  /** What is shown. */
  readonly title: string;
  /** Model, criterion, budget. */
  readonly subtitle?: string;
}

const WIDTH = 960, LEFT = 56, RIGHT = 16;

/** A layer's place and two of its figures. */
interface Pair {
  readonly at: number;
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** The part of a name that layers of one block share: `model.2` of `model.2.cv1.conv`; the whole name where it has one part. */
function blockOf(name: string): string {
  const [first, second] = name.replace(/^\//, "").split(/[./]/);
  return second !== undefined && /^\d+$/.test(second) ? `${first}.${second}` : first;
}

/** First layers of blocks, as many as their names find room for. */
function ticksOf(layers: readonly PrunedLayer[]): Map<number, string> {
  const step = (WIDTH - LEFT - RIGHT) / layers.length;
  const ticks = new Map<number, string>();
  let free = -Infinity, last: string | undefined;
  layers.forEach(({ name }, at) => {
    const block = blockOf(name), half = textWidth(block, SIZES.label) / 2, middle = (at + 0.5) * step;
    if (block !== last && middle - half > free) {
      ticks.set(at, block);
      free = middle + half + 6;
    }
    last = block;
  });
  return ticks;
}

function panel(label: string, pairs: readonly Pair[], ticks: ReadonlyMap<number, string>, colour: string): PlotOptions {
  const most = Math.max(...pairs.map(({ before, after }) => Math.max(before, after)));
  const short = (value: number) => Number(value.toPrecision(3)).toLocaleString("en");
  const said = ({ name, before, after }: Pair) => `${name}: ${short(before)} -> ${short(after)}`;
  const bar = (height: "before" | "after", fill: string) =>
    rectY(pairs, {
      x1: ({ at }: Pair) => at - 0.42,
      x2: ({ at }: Pair) => at + 0.42,
      y1: () => 0,
      y2: height,
      fill,
      title: said,
      ariaLabel: () => height,
    });
  return {
    height: 190,
    marginLeft: LEFT,
    marginRight: RIGHT,
    marginTop: 28,
    marginBottom: 26,
    color: { type: "identity" },
    x: { domain: [-0.5, pairs.length - 0.5], label: null },
    y: { label, domain: [0, most || 1], labelOffset: 46 },
    marks: [
      gridY({ stroke: INK, strokeOpacity: 0.1, ticks: 5 }),
      bar("before", NEUTRAL),
      bar("after", colour),
      axisX([...ticks.keys()], { label: null, tickFormat: (at: number) => ticks.get(at) }),
      ruleY([0], { stroke: INK }),
    ],
  };
}

/**
 * Draws what a cut left of each layer, in the order of the layers: channels that it makes, and operations. The bar before is grey, the bar
 * after lies on it. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { prune } from "../../compress/prune/mod.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { drawWidths } from "./widths.ts";
 * const { report } = prune(yolo11({ width: 0.125, size: 64 }), { budget: { gflops: 0.5 }, criterion: "l2" });
 * const svg = drawWidths(report, { title: "What is left of each layer" });
 * assert.ok(svg.startsWith("<svg"));
 * ```
 */
export function drawWidths({ layers }: Pick<PruneReport, "layers">, { title, subtitle }: WidthPlotOptions): string {
  const colour = seriesColour(1), ticks = ticksOf(layers);
  const pairs = (of: (costs: PrunedLayer["before"]) => number) =>
    layers.map(({ name, before, after }, at): Pair => ({ at, name, before: of(before), after: of(after) }));
  const legend: LegendItem[] = [
    { label: "before", colour: NEUTRAL, shape: "box" },
    { label: "after", colour, shape: "box" },
  ];
  const panels = layers.length === 0 ? [] : [
    panel("channels", pairs(({ outputs }) => outputs), ticks, colour),
    panel("MFLOPs", pairs(({ gflops }) => 1000 * gflops), ticks, colour),
  ];
  return figure({ title, subtitle, width: WIDTH, legend, panels });
}
