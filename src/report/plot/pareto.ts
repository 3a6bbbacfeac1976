/**
 * Gain against cost: a dot for each variant, and the front of the variants that no other one beats.
 *
 * @module
 */

import { dot, gridX, gridY, line, type PlotOptions, ruleX, ruleY, text } from "npm:@observablehq/plot@0.6.17";
import { figure, type LegendItem } from "./figure.ts";
import type { Area } from "../area.ts";
import { type LabelledDot, placeLabels, type Position } from "./place_labels.ts";
import { element } from "./svg.ts";
import { FAINT, INK, PAPER, seriesColours, SIZES } from "./theme.ts";

/** Where a figure comes from: measured here, published by others, or computed by a model of the hardware. */
export type ParetoKind = "measured" | "published" | "predicted";

/** A variant. */
export interface ParetoPoint {
  /** Its name. */
  readonly label: string;
  /** What it belongs to; a group has one colour. */
  readonly group: string;
  /** The cost, of which less is better. */
  readonly x: number;
  /** The gain, of which more is better. */
  readonly y: number;
  /** Where both come from. */
  readonly kind: ParetoKind;
  /** Ends of the gain, if it is the mean of several: a bar joins them. */
  readonly range?: readonly [low: number, high: number];
}

/** What is written on the plot, and how it is drawn. */
export interface ParetoOptions {
  /** The cost and its unit. */
  readonly xLabel: string;
  /** The gain and its unit. */
  readonly yLabel: string;
  /** What is shown. */
  readonly title: string;
  /** Where it was measured: data set, adapter, input size. */
  readonly subtitle?: string;
  /** Groups whose points are joined in the order of their cost. */
  readonly lines?: readonly string[];
  /** Colours of groups; those of other groups follow the order in which they come first. */
  readonly colours?: ReadonlyMap<string, string>;
  /** The group that lies above all others and has a dark rim: what the others are compared with. */
  readonly above?: string;
  /** Whether the front is drawn; true by default. */
  readonly front?: boolean;
  /** Whether the axis of costs is logarithmic. Points whose cost is not above 0 are then left out. */
  readonly log?: boolean;
}

const WIDTH = 760, HEIGHT = 430;

const RADIUS = 5;

/** Pixels around the axes. */
const MARGINS = { left: 56, right: 24, top: 34, bottom: 44 } as const;

/** Pixels by which a dot is larger than the one that lies on it. */
const RING = 3;

/** Least ratio of the ends of a logarithmic axis. */
const LEAST_RATIO = 3;

const KINDS: readonly ParetoKind[] = ["measured", "published", "predicted"];

/**
 * Finds the points that no other point beats in both cost and gain, cheapest first; of equal points the first.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { findParetoFront } from "./pareto.ts";
 * const at = (x: number, y: number) => ({ label: `${x}`, group: "g", x, y, kind: "measured" as const });
 * assert.deepEqual(findParetoFront([at(3, 1), at(1, 1), at(2, 2)]).map(({ x }) => x), [1, 2]);
 * ```
 */
export function findParetoFront(points: readonly ParetoPoint[]): ParetoPoint[] {
  const front: ParetoPoint[] = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || b.y - a.y)) {
    if (front.length === 0 || point.y > front.at(-1)!.y) front.push(point);
  }
  return front;
}

/** Ends of the axes: costs from 0 (or a little below the least on a logarithmic axis), gains with room around them. */
function domains(points: readonly ParetoPoint[], log: boolean) {
  const xs = points.map(({ x }) => x), ys = points.flatMap(({ y, range = [] }) => [y, ...range]);
  const [lowX, highX, lowY, highY] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const room = (highY - lowY) * 0.12 || Math.abs(highY) * 0.1 || 1;
  // A few close points should not look far apart.
  const reach = Math.max((highX / lowX) ** 0.08, (LEAST_RATIO * lowX / highX) ** 0.5, 1);
  return {
    x: log ? [lowX / reach, highX * reach] as const : [Math.min(0, lowX), highX * 1.1 || 1] as const,
    y: [lowY < 0 ? lowY - room : Math.max(0, lowY - room), highY + room] as const,
  };
}

/** Pixels of a point, from the ends of the axes. */
function pixelsOf({ x: [left, right], y: [low, high] }: ReturnType<typeof domains>, log: boolean) {
  const across = WIDTH - MARGINS.left - MARGINS.right, up = HEIGHT - MARGINS.top - MARGINS.bottom;
  const scaled = (x: number) => log ? Math.log(x) : x;
  return ({ x, y }: ParetoPoint): Position => [
    across * (scaled(x) - scaled(left)) / (scaled(right) - scaled(left)),
    up * (high - y) / (high - low),
  ];
}

/** Points from the lowest to the highest: published and predicted ones under measured ones, the group `above` on top. */
function stacked(points: readonly ParetoPoint[], above: string | undefined): ParetoPoint[] {
  const height = ({ group, kind }: ParetoPoint) => (group === above ? KINDS.length : 0) - KINDS.indexOf(kind);
  return [...points].sort((a, b) => height(a) - height(b));
}

/** Radii of the dots: one that others lie on is larger by a ring for each, so that it is seen around them. */
function radii(stack: readonly ParetoPoint[], pixels: (point: ParetoPoint) => Position): Map<ParetoPoint, number> {
  const found = new Map<ParetoPoint, number>();
  for (const point of [...stack].reverse()) {
    const [x, y] = pixels(point);
    const inside = [...found].flatMap(([other, radius]) => {
      const [otherX, otherY] = pixels(other);
      return Math.hypot(x - otherX, y - otherY) < 1.6 * RADIUS ? [radius + RING] : [];
    });
    found.set(point, Math.max(RADIUS, ...inside));
  }
  return found;
}

/** Digits that numbers of a logarithmic axis begin with, from many numbers to few. */
const LOG_DIGITS = [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1]];

/** Numbers to write on a logarithmic axis: as many as fit. */
function logTicks([low, high]: readonly [number, number]): number[] {
  const decades = Array.from({ length: 24 }, (_, i) => 10 ** (i - 9));
  const choices = LOG_DIGITS.map((digits) =>
    decades.flatMap((decade) => digits.map((digit) => Number((digit * decade).toPrecision(2))))
      .filter((tick) => tick >= low && tick <= high)
  );
  return choices.find((ticks) => ticks.length <= 12) ?? choices.at(-1)!;
}

/** Lines of a group: solid through what was measured, dashed through what others say. */
function groupLines(points: readonly ParetoPoint[], groups: readonly string[]) {
  return groups.flatMap((group) =>
    KINDS.flatMap((kind) => {
      const members = points.filter((point) => point.group === group && point.kind === kind).sort((a, b) => a.x - b.x);
      return members.length > 1 ? [{ group, kind, members }] : [];
    })
  );
}

/** Colours that were given, and others for the groups without one. */
function coloursOf(points: readonly ParetoPoint[], given: ReadonlyMap<string, string> = new Map()) {
  const names = [...new Set(points.map(({ group }) => group))];
  const free = seriesColours([...given.keys(), ...names]);
  return new Map(names.map((name) => [name, given.get(name) ?? free.get(name)!]));
}

function legendOf(
  points: readonly ParetoPoint[],
  colours: ReadonlyMap<string, string>,
  lines: readonly string[],
  hasFront: boolean,
): LegendItem[] {
  const groups = [...colours].map(([label, colour]): LegendItem => {
    const isMeasured = points.some(({ group, kind }) => group === label && kind === "measured");
    return { label, colour, shape: lines.includes(label) ? isMeasured ? "line" : "dashes" : "dot" };
  });
  const shapes = { measured: "dot", published: "hollow", predicted: "dashed" } as const;
  const kinds = KINDS.filter((kind) => points.some((point) => point.kind === kind));
  const onlyMeasured = kinds.every((kind) => kind === "measured");
  const signs = onlyMeasured ? [] : kinds.map((label) => ({ label, colour: FAINT, shape: shapes[label] }));
  const front = { label: "front: nothing is both cheaper and better", colour: INK, shape: "stairs" } as const;
  return [...groups, ...signs, ...hasFront ? [front] : []];
}

const EMPTY = "no variant has been measured yet";

/**
 * Draws variants as dots, each with its label (of more than 60, those of the front), cost to the right and gain upwards, with the front of the measured ones as stairs (of all where none was
 * measured). Published figures are hollow, predicted ones dashed. Points that are not finite are left out. If no point is left, the plot
 * says so. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawPareto } from "./pareto.ts";
 * const svg = drawPareto([
 *   { label: "n", group: "YOLO11", x: 6.5, y: 0.395, kind: "published" },
 *   { label: "s", group: "YOLO11", x: 21.5, y: 0.47, kind: "published" },
 * ], { title: "YOLO11", xLabel: "GFLOPs", yLabel: "mAP50-95", lines: ["YOLO11"], log: true });
 * assert.ok(svg.startsWith("<svg"));
 * ```
 */
export function drawPareto(points: readonly ParetoPoint[], options: ParetoOptions): string {
  const { xLabel, yLabel, title, subtitle, lines = [], colours: given, above, log = false, front: hasFront = true } =
    options;
  const shown = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y) && (!log || x > 0));
  if (shown.length === 0) return figure({ title, subtitle, width: WIDTH, panels: [emptyPanel(xLabel, yLabel)] });
  const colours = coloursOf(shown, given);
  const measured = shown.filter(({ kind }) => kind === "measured");
  const front = findParetoFront(measured.length > 0 ? measured : shown);
  const { x, y } = domains(shown, log);
  const stack = stacked(shown, above), radius = radii(stack, pixelsOf({ x, y }, log));
  const stairs = hasFront ? [...front, { ...front.at(-1)!, x: x[1] }] : [];
  const joined = groupLines(shown, lines);
  const ticks = log ? logTicks(x) : undefined;
  const said = ({ label, x, y, kind }: ParetoPoint) => {
    return `${label}: ${x.toPrecision(4)}, ${y.toPrecision(4)}${kind === "measured" ? "" : ` (${kind})`}`;
  };
  const dots = stack.map((point) => {
    const { group, kind } = point, colour = colours.get(group);
    const isMeasured = kind === "measured";
    return dot([point], {
      x: "x",
      y: "y",
      r: () => radius.get(point)!,
      fill: isMeasured ? () => colour : PAPER,
      stroke: isMeasured ? group === above ? INK : PAPER : () => colour,
      strokeWidth: isMeasured && group !== above ? 1 : 2,
      strokeDasharray: kind === "predicted" ? "2,2" : undefined,
      title: said,
      ariaLabel: () => kind,
    });
  });
  const panel: PlotOptions = {
    height: HEIGHT,
    marginLeft: MARGINS.left,
    marginRight: MARGINS.right,
    marginTop: MARGINS.top,
    marginBottom: MARGINS.bottom,
    r: { type: "identity" },
    x: {
      ...{ label: xLabel, domain: x },
      ...(ticks &&
        {
          type: "log",
          ticks,
          tickFormat: (tick: number) => tick.toLocaleString("en", { maximumSignificantDigits: 2 }),
        }),
    },
    y: { label: yLabel, domain: y, labelOffset: 40 },
    // Given as colours already.
    color: { type: "identity" },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.08, ...(ticks && { ticks }) }),
      gridY({ stroke: INK, strokeOpacity: 0.08 }),
      ruleY([y[0]], { stroke: INK }),
      line(stairs, { x: "x", y: "y", curve: "step-after", stroke: INK, strokeWidth: 1.5, ariaLabel: () => "front" }),
      ...joined.map(({ group, kind, members }) =>
        line(members, {
          x: "x",
          y: "y",
          stroke: colours.get(group),
          strokeWidth: 2,
          strokeDasharray: kind === "measured" ? undefined : "5,3",
          ariaLabel: () => `line of ${group}`,
        })
      ),
      // Labels need pixels: they are placed when the scales are known.
      (_, { x: toX, y: toY }, __, { width, height, marginLeft, marginRight, marginTop, marginBottom }) => {
        const pixels = (one: { x: number; y: number }): Position => [toX!(one.x) as number, toY!(one.y) as number];
        const frame: Area = [marginLeft + 2, marginTop - 8, width - marginRight + 16, height - marginBottom - 2];
        const corners = stairs.flatMap((one, i) => i === 0 ? [one] : [{ x: one.x, y: stairs[i - 1].y }, one]);
        return labels(
          labelledOf(stack, front).map((one) => ({ at: pixels(one), text: one.label, radius: radius.get(one)! })),
          {
            frame,
            lines: [...hasFront ? [corners.map(pixels)] : [], ...joined.map(({ members }) => members.map(pixels))],
          },
        );
      },
      ruleX(stack.filter(({ range }) => range !== undefined && range[0] < range[1]), {
        x: "x",
        y1: ({ range }: ParetoPoint) => range![0],
        y2: ({ range }: ParetoPoint) => range![1],
        stroke: ({ group }: ParetoPoint) => colours.get(group),
        strokeWidth: 2,
        ariaLabel: () => "range",
      }),
      // Last, so that the halo of no label covers a dot.
      ...dots,
    ],
  };
  return figure({ title, subtitle, width: WIDTH, legend: legendOf(shown, colours, lines, hasFront), panels: [panel] });
}

/** Most dots that are all labelled: more labels hide each other, and placing them takes the square of their number. */
const MOST_LABELS = 60;

/** The dots that get a label: all that have one, or of very many those of the front. */
function labelledOf<Dot extends ParetoPoint>(dots: readonly Dot[], front: readonly ParetoPoint[]): readonly Dot[] {
  const all = dots.filter(({ label }) => label !== "");
  if (all.length <= MOST_LABELS) return all;
  const best = new Set(front.map(({ label }) => label));
  return all.filter(({ label }) => best.has(label)).slice(0, MOST_LABELS);
}

function emptyPanel(xLabel: string, yLabel: string): PlotOptions {
  return {
    height: 160,
    marginLeft: 56,
    marginBottom: 44,
    x: { label: xLabel, domain: [0, 1], ticks: [] },
    y: { label: yLabel, domain: [0, 1], ticks: [] },
    marks: [ruleY([0]), text([EMPTY], { x: 0.5, y: 0.5, text: (said: string) => said, fontSize: SIZES.text })],
  };
}

function labels(
  dots: readonly LabelledDot[],
  surroundings: { frame: Area; lines: readonly (readonly Position[])[] },
): SVGElement {
  const size = SIZES.label;
  const placed = placeLabels(dots, { ...surroundings, size, radius: RADIUS });
  const leaders = placed.flatMap(({ leader }) => {
    if (leader === undefined) return [];
    const [[x1, y1], [x2, y2]] = leader;
    return [element("line", { x1, y1, x2, y2, stroke: FAINT, "stroke-width": 0.75 })];
  });
  const texts = placed.map(({ text, area: [left, top] }) => element("text", { x: left, y: top + size * 0.9 }, text));
  const halo = { stroke: PAPER, "stroke-width": 3, "stroke-linejoin": "round", "paint-order": "stroke" };
  return element(
    "g",
    { "aria-label": "labels", "text-anchor": "start", fill: INK, "font-size": size },
    ...leaders,
    element("g", halo, ...texts),
  );
}
