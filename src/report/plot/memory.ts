/**
 * The memory of a plan over time: which values lie where, from the dispatch that writes them to the last that reads them.
 *
 * @module
 */

import { type PlotOptions, rect, ruleY } from "npm:@observablehq/plot@0.6.17";
import type { Plan } from "../../plan/plan.ts";
import { type ArenaLife, arenaLives } from "./arena_lives.ts";
import { figure, type LegendItem } from "./figure.ts";
import { INK, PAPER, seriesColour } from "./theme.ts";

/** What is written on the plot. */
export interface MemoryPlotOptions {
  /** Which model's plan it is. */
  readonly title: string;
  /** What it was planned for: input size, precision, storage. */
  readonly subtitle?: string;
}

const WIDTH = 960;

/** Longest life of each kind of value, in dispatches, and what values of that kind are. */
const KINDS = [
  { longest: 3, label: "needed for up to 3 dispatches", colour: seriesColour(1) },
  { longest: 15, label: "kept for 4 to 15", colour: seriesColour(2) },
  { longest: Infinity, label: "kept for more than 15", colour: seriesColour(0) },
] as const;

function kindOf({ first, last }: ArenaLife) {
  return KINDS.find(({ longest }) => last - first <= longest)!;
}

/** Bytes of a page of row memory. */
export function pageBytes({ pitch, form }: Pick<Plan, "pitch" | "form">): number {
  return pitch * (1 << form.pageShift) * 4 * (form.scalar === "f16" ? 2 : 4);
}

function panel(
  lives: readonly ArenaLife[],
  arena: { unit: number; size: number; steps: number; height: number; label: string; xLabel: string | null },
): PlotOptions {
  const { unit, size, steps, height, label, xLabel } = arena;
  const megabytes = (value: number) => value * unit / 1e6;
  return {
    height,
    marginLeft: 56,
    marginRight: 20,
    marginTop: 30,
    marginBottom: 40,
    color: { type: "identity" },
    x: { label: xLabel, domain: [-1, steps + 1], ticks: 10 },
    y: { label, domain: [0, megabytes(size)], labelOffset: 40, ...(height < 150 && { ticks: 3 }) },
    marks: [
      rect(lives, {
        x1: "first",
        x2: ({ last }: ArenaLife) => last + 1,
        y1: ({ from }: ArenaLife) => megabytes(from),
        y2: ({ to }: ArenaLife) => megabytes(to),
        fill: (life: ArenaLife) => kindOf(life).colour,
        stroke: PAPER,
        strokeWidth: 0.75,
        title: ({ value, from, to, first, last }: ArenaLife) =>
          `${value}: ${megabytes(to - from).toFixed(3)} MB, dispatches ${Math.max(0, first)} to ${
            Math.min(steps - 1, last)
          }`,
      }),
      ruleY([0], { stroke: INK }),
    ],
  };
}

/**
 * Draws an arena of activations: dispatches to the right, addresses upwards, a box for each value (for each part of a joint tensor) from
 * the dispatch that writes it to the last that reads it. Boxes never overlap; what is white is free. A plan with plain values has
 * a second arena below. Returns an SVG file's text.
 *
 * ```ts
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { buildPlan } from "../../plan/plan.ts";
 * import { memoryPlot } from "./memory.ts";
 * const form = { scalar: "f32", storage: "buffer" } as const;
 * const plan = buildPlan(demoDetector({ size: 64 }), { form, maxPages: Infinity });
 * console.log(memoryPlot(plan, { title: "Demo detector" }).startsWith("<svg")); // true
 * ```
 */
export function memoryPlot(plan: Plan, { title, subtitle }: MemoryPlotOptions): string {
  const { rows, plain } = arenaLives(plan);
  const steps = plan.steps.length;
  const xLabel = "dispatch, in order of execution";
  const main = panel(rows, {
    ...{ unit: pageBytes(plan), size: plan.pages, steps, height: 340, label: "row memory (MB)" },
    xLabel: plain.length > 0 ? null : xLabel,
  });
  const beside = panel(plain, {
    ...{ unit: 1, size: plan.plainBytes, steps, height: 140, label: "plain values (MB)", xLabel },
  });
  const legend = KINDS.filter((kind) => [...rows, ...plain].some((life) => kindOf(life) === kind))
    .map(({ label, colour }): LegendItem => ({ label, colour, shape: "box" }));
  return figure({ title, subtitle, width: WIDTH, legend, panels: plain.length > 0 ? [main, beside] : [main] });
}
