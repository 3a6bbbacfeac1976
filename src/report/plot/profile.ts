/**
 * The time of a run: every dispatch in the order of execution, and how well each uses the device.
 *
 * @module
 */

import { barY, gridY, type PlotOptions, ruleY } from "npm:@observablehq/plot@0.6.17";
import type { DispatchTime } from "../../engine/session.ts";
import { figure } from "./figure.ts";
import { INK, NEUTRAL, seriesColours } from "./theme.ts";

/** What is written on the plot. */
export interface ProfileOptions {
  /** What was run. */
  readonly title: string;
  /** On what: adapter, input size, precision. */
  readonly subtitle?: string;
}

const WIDTH = 960, HEIGHT = 210;

/** Most kernels that have a colour of their own. */
const MOST_COLOURS = 7;

const OTHER = "others";

/** What a kernel computes, without its tile or size: `conv 3x3 s2` of `conv 3x3 s2 5x2x8`. */
function familyOf(kernel: string): string {
  const words = kernel.split(" ");
  const isSize = (word: string) => /^\d+(x\d+)+$/.test(word);
  // The size of a window is part of what is computed: the first size behind these names.
  const window = ["conv", "maxpool"].includes(words[0]) ? words.findIndex(isSize) : -1;
  return words.filter((word, i) => i === window || !isSize(word)).join(" ");
}

/** A dispatch as a bar. */
interface Bar {
  readonly step: number;
  readonly family: string;
  readonly milliseconds: number;
  readonly rate: number;
  readonly said: string;
}

function barsOf(rows: readonly DispatchTime[]): Bar[] {
  const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const spent = new Map<string, number>();
  for (const { kernel, milliseconds } of rows) {
    spent.set(familyOf(kernel), (spent.get(familyOf(kernel)) ?? 0) + milliseconds);
  }
  const largest = [...spent].sort(([, a], [, b]) => b - a).slice(0, MOST_COLOURS).map(([name]) => name);
  return rows.map(({ name, kernel, milliseconds, macs }, step): Bar => {
    const rate = milliseconds > 0 ? 2 * macs / milliseconds / 1e6 : 0;
    const share = (100 * milliseconds / total).toFixed(1);
    const speed = macs > 0 ? `, ${rate.toFixed(1)} GFLOP/s` : "";
    return {
      step,
      family: largest.includes(familyOf(kernel)) ? familyOf(kernel) : OTHER,
      milliseconds,
      rate,
      said: `${step}: ${name} (${kernel}): ${milliseconds.toFixed(3)} ms, ${share} %${speed}`,
    };
  });
}

/**
 * Draws the GPU time of every dispatch, in the order of execution and coloured by kernel, and below it what each computes a second.
 * `rows` are those of `Session.profile` or `Detector.profile`. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawProfile } from "./profile.ts";
 * const rows = [{ name: "stem", operator: "Conv+Silu", kernel: "conv 3x3 s2 5x2x8", milliseconds: 2, macs: 11e6 }];
 * assert.ok(drawProfile(rows, { title: "One layer" }).startsWith("<svg"));
 * ```
 */
export function drawProfile(rows: readonly DispatchTime[], { title, subtitle }: ProfileOptions): string {
  const bars = barsOf(rows);
  const families = [...new Set(bars.map(({ family }) => family))].filter((family) => family !== OTHER);
  const colours = new Map(seriesColours(families)).set(OTHER, NEUTRAL);
  const panel = (field: "milliseconds" | "rate", label: string, xLabel: string | null): PlotOptions => ({
    height: HEIGHT,
    marginLeft: 56,
    marginRight: 20,
    marginTop: 30,
    marginBottom: 40,
    color: { type: "identity" },
    x: {
      label: xLabel,
      domain: bars.map(({ step }) => step),
      ticks: bars.map(({ step }) => step).filter((step) => step % 10 === 0),
      padding: 0.15,
      labelAnchor: "right",
      labelArrow: "right",
    },
    y: { label, labelOffset: 40 },
    marks: [
      gridY({ stroke: INK, strokeOpacity: 0.1 }),
      barY(bars, { x: "step", y: field, fill: ({ family }: Bar) => colours.get(family), title: "said" }),
      ruleY([0], { stroke: INK }),
    ],
  });
  const shown = [...families, ...bars.some(({ family }) => family === OTHER) ? [OTHER] : []];
  const legend = shown.map((family) => {
    const members = bars.filter((bar) => bar.family === family);
    const spent = members.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    return {
      label: `${family} (${members.length}, ${spent.toFixed(1)} ms)`,
      colour: colours.get(family)!,
      shape: "box" as const,
    };
  });
  return figure({
    title,
    subtitle,
    width: WIDTH,
    legend,
    panels: [panel("milliseconds", "GPU time (ms)", null), panel("rate", "GFLOP/s", "dispatch, in order of execution")],
  });
}
