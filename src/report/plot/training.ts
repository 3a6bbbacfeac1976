/**
 * The course of a training run: losses, mean average precision and learning rate over its epochs.
 *
 * @module
 */

import { dot, gridX, gridY, line, type PlotOptions, ruleY } from "npm:@observablehq/plot@0.6.17";
import { figure, type LegendItem } from "./figure.ts";
import { INK, seriesColour } from "./theme.ts";

/** What is drawn of an epoch: an `EpochRecord` of a training run. */
export interface TrainingEpoch {
  /** From 0; drawn from 1. */
  readonly epoch: number;
  /** Means over the epoch by name, whatever losses there are. */
  readonly losses: Readonly<Record<string, number>>;
  /** At its end. */
  readonly learningRates: { readonly weight: number; readonly bias: number };
  /** Shares of 1, where they were measured. */
  readonly score?: { readonly map: number; readonly map50: number };
}

/** What is written on the plot. */
export interface TrainingPlotOptions {
  /** Which model on which data. */
  readonly title: string;
  /** How and where it was trained. */
  readonly subtitle?: string;
}

/** What is written on the plot of several runs. */
export interface RunsPlotOptions extends TrainingPlotOptions {
  /** Losses whose sum is drawn, for runs that do not have the same; all by default. A run that lacks one of them has no line. */
  readonly losses?: readonly string[];
  /** mAP50 at both ends of its axis, for runs that are close together; 0 to 1 by default. */
  readonly range?: readonly [least: number, greatest: number];
  /** What is counted along the axis; `epoch` by default. */
  readonly xLabel?: string;
}

/** A run among others. */
export interface TrainingRun {
  /** What tells it from the others. */
  readonly label: string;
  /** Its epochs, in order. */
  readonly epochs: readonly TrainingEpoch[];
}

/** A line of a panel. */
interface Series {
  readonly label: string;
  readonly colour: string;
  readonly dashed?: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 720, TALL = 230, LOW = 150;

/** What the losses of a detector are called in plots; others by their names. */
const LOSS_LABELS: Readonly<Record<string, string>> = { classes: "class loss" };

/** Colours of mAP, which stay the same whatever losses there are. */
const MAP50_COLOUR = 3, MAP_COLOUR = 4;

/** A loss that stays below this share of the greatest would lie on the axis: it gets a panel of its own. */
const SMALL_SHARE = 1 / 20;

/** A line for each series; a single point, which no line shows, is a dot. */
function panel(
  series: readonly Series[],
  domain: readonly [number, number],
  label: string,
  height: number,
  y: PlotOptions["y"] = {},
  xLabel = "epoch",
): PlotOptions {
  return {
    height,
    marginLeft: 64,
    marginRight: 20,
    marginTop: 30,
    marginBottom: 40,
    x: {
      label: xLabel,
      domain: [...domain],
      tickFormat: (value: number) => Number.isInteger(value) ? `${value}` : "",
    },
    y: { label, labelOffset: 52, zero: true, nice: true, ...y },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.08 }),
      gridY({ stroke: INK, strokeOpacity: 0.08 }),
      ruleY([0], { stroke: INK }),
      ...series.flatMap(({ label, colour, dashed, points }) => [
        line(points, {
          x: "x",
          y: "y",
          stroke: colour,
          strokeWidth: 2,
          strokeDasharray: dashed ? "4,3" : undefined,
          ariaLabel: () => label,
        }),
        ...points.length === 1 ? [dot(points, { x: "x", y: "y", fill: colour, r: 3, ariaLabel: () => label })] : [],
      ]),
    ],
  };
}

/** Epochs as they are counted by people; a single one gets some room. */
function domainOf(runs: readonly (readonly TrainingEpoch[])[]): [number, number] {
  const all = runs.flat().map(({ epoch }) => epoch + 1);
  const [low, high] = [Math.min(...all, Infinity), Math.max(...all, -Infinity)];
  if (all.length === 0) return [0, 1];
  return low === high ? [low - 1, high + 1] : [low, high];
}

const legendOf = (series: readonly Series[]): LegendItem[] =>
  series.map(({ label, colour, dashed }) => ({ label, colour, shape: dashed ? "dashes" : "line" }));

/** A line for each loss, in the order of declaration; a loss that an epoch does not have has no point there. */
function lossSeries(epochs: readonly TrainingEpoch[]): Series[] {
  const names = [...new Set(epochs.flatMap(({ losses }) => Object.keys(losses)))];
  return names.map((name, i) => ({
    label: LOSS_LABELS[name] ?? `${name} loss`,
    colour: seriesColour(i < MAP50_COLOUR ? i : i - MAP50_COLOUR + MAP_COLOUR + 1),
    points: epochs.flatMap(({ epoch, losses }) => name in losses ? [{ x: epoch + 1, y: losses[name] }] : []),
  }));
}

/** Losses that can share an axis, and those that are too small for it. */
function lossPanels(losses: readonly Series[], domain: readonly [number, number]): PlotOptions[] {
  const height = ({ points }: Series) => Math.max(0, ...points.map(({ y }) => Math.abs(y)).filter(Number.isFinite));
  const most = Math.max(0, ...losses.map(height));
  const isSmall = (series: Series) => height(series) < SMALL_SHARE * most;
  const small = losses.filter(isSmall);
  return [
    panel(losses.filter((series) => !isSmall(series)), domain, "loss", TALL),
    ...small.length > 0 ? [panel(small, domain, "small losses", LOW)] : [],
  ];
}

function scores(epochs: readonly TrainingEpoch[], figure: "map" | "map50") {
  return epochs.flatMap(({ epoch, score }) => score ? [{ x: epoch + 1, y: score[figure] }] : []);
}

/** The best of some figures, for the legend. */
function bestOf(points: readonly { readonly y: number }[]): string {
  return points.length === 0 ? "not measured" : `best ${Math.max(...points.map(({ y }) => y)).toFixed(3)}`;
}

/**
 * Draws the losses of a run, its mAP and its learning rates over the epochs, in panels below each other. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawTraining } from "./training.ts";
 * const epochs = [0, 1, 2].map((epoch) => ({
 *   epoch,
 *   losses: { box: 3 - epoch, classes: 4 - epoch, distribution: 1.5 - 0.2 * epoch },
 *   learningRates: { weight: 0.01 - 0.003 * epoch, bias: 0.01 - 0.003 * epoch },
 *   score: { map: 0.1 * epoch, map50: 0.2 * epoch },
 * }));
 * assert.ok(drawTraining(epochs, { title: "A short run" }).includes("mAP50 (best 0.400)"));
 * ```
 */
export function drawTraining(epochs: readonly TrainingEpoch[], { title, subtitle }: TrainingPlotOptions): string {
  const domain = domainOf([epochs]);
  const points = (value: (epoch: TrainingEpoch) => number) =>
    epochs.map((one) => ({ x: one.epoch + 1, y: value(one) }));
  const losses = lossSeries(epochs);
  const [map50, map] = [scores(epochs, "map50"), scores(epochs, "map")];
  const maps: Series[] = [
    { label: `mAP50 (${bestOf(map50)})`, colour: seriesColour(MAP50_COLOUR), points: map50 },
    { label: `mAP50-95 (${bestOf(map)})`, colour: seriesColour(MAP_COLOUR), points: map },
  ];
  const rates: Series[] = [
    { label: "learning rate", colour: INK, points: points(({ learningRates }) => learningRates.weight) },
    { label: "that of biases", colour: INK, dashed: true, points: points(({ learningRates }) => learningRates.bias) },
  ];
  const measured = maps.filter((series) => series.points.length > 0);
  return figure({
    title,
    subtitle,
    width: WIDTH,
    legend: legendOf([...losses, ...measured, ...rates]),
    panels: [
      ...lossPanels(losses, domain),
      ...measured.length > 0 ? [panel(measured, domain, "mAP", TALL, { domain: [0, 1], nice: false })] : [],
      panel(rates, domain, "learning rate", LOW),
    ],
  });
}

/** The sum of an epoch's losses of these names; undefined if it lacks one. */
function lossSum({ losses }: TrainingEpoch, names: readonly string[] = Object.keys(losses)): number | undefined {
  if (names.some((name) => !Object.hasOwn(losses, name))) return undefined;
  return names.reduce((sum, name) => sum + losses[name], 0);
}

/**
 * Draws the mAP50 of several runs over the same epochs, and below it the sum of their losses. Sums can be compared if the losses are the
 * same: name those that runs have in common. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawRuns } from "./training.ts";
 * const epoch = { epoch: 0, losses: { box: 1, classes: 1, distribution: 1 }, learningRates: { weight: 0.01, bias: 0.01 } };
 * const runs = [0.2, 0.6].map((map50, i) => ({ label: `run ${i}`, epochs: [{ ...epoch, score: { map: 0.1, map50 } }] }));
 * const svg = drawRuns(runs, { title: "Two runs", xLabel: "round" });
 * assert.ok(svg.includes("run 1 (best 0.600)") && svg.includes("round"));
 * ```
 */
export function drawRuns(
  runs: readonly TrainingRun[],
  { title, subtitle, losses: named, range = [0, 1], xLabel }: RunsPlotOptions,
): string {
  const domain = domainOf(runs.map(({ epochs }) => epochs));
  const maps = runs.map(({ label, epochs }, i): Series => {
    const points = scores(epochs, "map50");
    return { label: `${label} (${bestOf(points)})`, colour: seriesColour(i), points };
  });
  const losses = runs.map(({ label, epochs }, i): Series => ({
    label,
    colour: seriesColour(i),
    points: epochs.flatMap((one) => {
      const y = lossSum(one, named);
      return y === undefined ? [] : [{ x: one.epoch + 1, y }];
    }),
  }));
  const summed = named === undefined ? "sum of losses" : `sum of ${named.join(", ")}`;
  return figure({
    title,
    subtitle,
    width: WIDTH,
    legend: legendOf(maps),
    panels: [
      panel(maps, domain, "mAP50", TALL, { domain: [...range], zero: false, nice: false }, xLabel),
      panel(losses, domain, summed, TALL, {}, xLabel),
    ],
  });
}
