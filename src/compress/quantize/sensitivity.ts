/**
 * Sensitivity: what quantizing one layer alone does to the outputs, for every layer. It shows which layers should stay in float, and
 * whether a preset leaves the right ones there.
 *
 * @module
 */

import { FeatherdetError, type Graph, type Node } from "../../graph/mod.ts";
import type { Runner, RunnerTensor } from "../runner.ts";
import type { CalibrationSample, CalibrationSamples } from "../statistics.ts";
import { calibrate } from "./calibrate.ts";
import type { Calibration } from "./calibration.ts";
import { type Fidelity, FidelityMeter } from "./fidelity.ts";
import { type FloatOption, floatRule } from "./float_rules.ts";
import { placeInt8 } from "./placement.ts";
import { quantizeCalibrated } from "./quantize.ts";
import type { SchemeOptions } from "./scheme.ts";

/** How to measure sensitivity. */
export interface SensitivityOptions extends Omit<SchemeOptions, "storeOutputs"> {
  /** Runs the graphs. */
  readonly runner: Runner;
  /** Number of samples, from the first one, that give the ranges and on which outputs are compared; default 8. */
  readonly samples?: number;
  /** The rule that is checked: `covered` says which layers it keeps in float. Default `yolo11`. */
  readonly float?: FloatOption;
  /** Measures the mAP that a graph loses against the source. Called for the `scored` layers of greatest loss. */
  readonly score?: (graph: Graph) => Promise<number>;
  /** Number of layers whose mAP is measured, if `score` is given; default 8. */
  readonly scored?: number;
  /** Called after each layer with the number of layers that are done. */
  readonly onLayer?: (done: number, total: number, name: string) => void;
}

/** What quantizing one layer alone does: its weights, what it reads, and what it makes. */
export interface LayerSensitivity extends Fidelity {
  /** Name of the layer's convolution or product. */
  readonly name: string;
  /** What it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** Why the rule keeps it in float; null if it does not. */
  readonly covered: string | null;
  /** Loss of mAP, as `score` measured it; absent if it was not measured. */
  readonly mapLoss?: number;
}

/** Throws FeatherdetError for a number of something that is none. */
export function checkCount(what: string, count: number | undefined, least: number): void {
  if (count === undefined || Number.isInteger(count) && count >= least) return;
  throw new FeatherdetError(`${count} ${what} were asked for, it must be a whole number from ${least} on`);
}

/** The first samples of a calibration. Throws FeatherdetError if there is none. */
async function firstSamples(calibration: CalibrationSamples, count: number): Promise<CalibrationSample[]> {
  const samples: CalibrationSample[] = [];
  for await (const sample of calibration) {
    samples.push(sample);
    if (samples.length === count) break;
  }
  if (samples.length === 0) throw new FeatherdetError("there are no calibration samples to measure sensitivity on");
  return samples;
}

/** Outputs of a graph on each sample; the graph is released. */
export async function outputsOf(
  graph: Graph,
  samples: readonly CalibrationSample[],
  runner: Runner,
): Promise<Readonly<Record<string, RunnerTensor>>[]> {
  try {
    const results = [];
    for (const { inputs } of samples) results.push(await runner.run(graph, inputs));
    return results;
  } finally {
    runner.release(graph);
  }
}

/** The graph with one layer in int8. */
function alone(calibrated: Calibration, layer: string, options: SensitivityOptions): Graph {
  const isFloat = ({ name }: Node) => name !== layer;
  return quantizeCalibrated(calibrated, { ...options, float: isFloat, storeOutputs: true }).graph;
}

/** What a changed graph makes of the samples beside the original's outputs. */
async function measure(
  graph: Graph,
  originals: readonly Readonly<Record<string, RunnerTensor>>[],
  samples: readonly CalibrationSample[],
  options: SensitivityOptions,
): Promise<Fidelity> {
  const meter = new FidelityMeter();
  const changed = await outputsOf(graph, samples, options.runner);
  changed.forEach((outputs, i) => meter.add(originals[i], outputs));
  return meter.result();
}

/**
 * Measures the sensitivity of every layer, most sensitive first. A graph of its own is run for each layer: on YOLO11n this is 90 times
 * the time of running the samples.
 *
 * Throws FeatherdetError for numbers of samples or layers that are no positive whole numbers, and what `calibrate` throws.
 */
export async function measureSensitivity(
  source: Graph,
  calibration: CalibrationSamples,
  options: SensitivityOptions,
): Promise<LayerSensitivity[]> {
  checkCount("samples", options.samples, 1);
  checkCount("scored layers", options.scored, 0);
  const { runner } = options;
  const samples = await firstSamples(calibration, options.samples ?? 8);
  return await measureSensitivityFromCalibration(await calibrate(source, samples, { runner }), samples, options);
}

/** Measures sensitivity with ranges from an earlier calibration, and compares outputs on all `samples`. */
export async function measureSensitivityFromCalibration(
  calibrated: Calibration,
  samples: readonly CalibrationSample[],
  options: SensitivityOptions,
): Promise<LayerSensitivity[]> {
  const { runner, float = "yolo11" } = options;
  const { graph } = calibrated;
  const originals = await outputsOf(graph, samples, runner);
  const rule = floatRule(graph, float);
  const { layers } = placeInt8(graph, { float: rule, joins: "shared", storeOutputs: false });
  const results: LayerSensitivity[] = [];
  for (const { node, operator, float: covered = null } of layers) {
    const fidelity = await measure(alone(calibrated, node.name, options), originals, samples, options);
    results.push({ name: node.name, operator, covered, ...fidelity });
    options.onLayer?.(results.length, layers.length, node.name);
  }
  results.sort((a, b) => b.loss - a.loss);
  const { score, scored = 8 } = options;
  if (score === undefined) return results;
  const rest = results.splice(scored);
  const rated: LayerSensitivity[] = [];
  for (const layer of results) {
    rated.push({ ...layer, mapLoss: await score(alone(calibrated, layer.name, options)) });
  }
  return [...rated, ...rest];
}
