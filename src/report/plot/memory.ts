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

/** An arena as it is drawn. */
interface ArenaPanel {
  readonly lives: readonly ArenaLife[];
  /** Bytes of what its places are counted in. */
  readonly unit: number;
  /** How many of them it has. */
  readonly size: number;
  readonly label: string;
}

/** The arenas of a plan that hold anything. */
function arenasOf(plan: Plan): ArenaPanel[] {
  const { pitch, form, pages, int8Pages } = plan;
  const cells = pitch << form.pageShift;
  // Values that lie between the pages are drawn apart, at their places there.
  const plainBytes = plan.plainAmongPages ? pages * 4 * cells * (form.scalar === "f16" ? 2 : 4) : plan.plainBytes;
  const arenas: ArenaPanel[] = [
    {
      lives: arenaLives(plan, "floats"),
      unit: 4 * cells * (form.scalar === "f16" ? 2 : 4),
      size: pages,
      label: "row memory (MB)",
    },
    { lives: arenaLives(plan, "int8"), unit: 4 * cells, size: int8Pages, label: "row memory of int8 (MB)" },
    { lives: arenaLives(plan, "plain"), unit: 1, size: plainBytes, label: "plain values (MB)" },
  ];
  return arenas.filter(({ lives }) => lives.length > 0);
}

function panel({ lives, unit, size, label }: ArenaPanel, steps: number, height: number, isLast: boolean): PlotOptions {
  const megabytes = (value: number) => value * unit / 1e6;
  return {
    height,
    marginLeft: 56,
    marginRight: 20,
    marginTop: 30,
    marginBottom: 40,
    color: { type: "identity" },
    x: { label: isLast ? "dispatch, in order of execution" : null, domain: [-1, steps + 1], ticks: 10 },
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
 * the dispatch that writes it to the last that reads it. Boxes never overlap; what is white is free. Arenas of int8 and of plain values
 * are below. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { buildPlan } from "../../plan/plan.ts";
 * import { drawMemory } from "./memory.ts";
 * const form = { scalar: "f32", storage: "buffer" } as const;
 * const plan = buildPlan(demoDetector({ size: 64 }), { form, maxPages: Infinity });
 * assert.ok(drawMemory(plan, { title: "Demo detector" }).startsWith("<svg"));
 * ```
 */
export function drawMemory(plan: Plan, { title, subtitle }: MemoryPlotOptions): string {
  const arenas = arenasOf(plan);
  // The largest arena is looked at most closely.
  const bytes = arenas.map(({ unit, size }) => unit * size);
  const panels = arenas.map((arena, i) =>
    panel(arena, plan.dispatches.length, bytes[i] === Math.max(...bytes) ? 340 : 140, i === arenas.length - 1)
  );
  const lives = arenas.flatMap((arena) => arena.lives);
  const legend = KINDS.filter((kind) => lives.some((life) => kindOf(life) === kind))
    .map(({ label, colour }): LegendItem => ({ label, colour, shape: "box" }));
  return figure({ title, subtitle, width: WIDTH, legend, panels });
}
