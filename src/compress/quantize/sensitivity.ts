/**
 * Sensitivity: what quantizing one layer alone does to the outputs, for every layer. It shows which layers should stay in float, and
 * whether a preset leaves the right ones there.
 *
 * @module
 */

import { FeatherdetError, type Graph, type Node } from "../../graph/mod.ts";
import type { Runner, RunnerTensor } from "../runner.ts";
import type { Calibration, CalibrationSample } from "./calibrate.ts";
import { type Fidelity, FidelityMeter } from "./fidelity.ts";
import { type FloatOption, floatRule } from "./float_rules.ts";
import { placeInt8 } from "./placement.ts";
import { calibrate, type Calibrated, quantizeCalibrated, type SchemeOptions } from "./quantize.ts";

/** How to measure sensitivity. */
export interface SensitivityOptions extends Omit<SchemeOptions, "storeOutputs"> {
  /** Runs the graphs. */
  readonly runner: Runner;
  /** Samples that ranges are taken from and outputs are compared on, the first ones; default 8. */
  readonly samples?: number;
  /** The rule that is checked: `covered` says which layers it keeps in float. Default `yolo11`. */
  readonly float?: FloatOption;
  /** Told after each layer how many are done. */
  readonly onLayer?: (done: number, total: number, name: string) => void;
}

/** What quantizing one layer alone does: its weights, what it reads, and what it makes. */
export interface LayerSensitivity extends Fidelity {
  /** Name of the layer's convolution or product. */
  readonly name: string;
  /** What it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** Why the rule keeps it in float; null where it does not. */
  readonly covered: string | null;
}

/** The first samples of a calibration. Throws FeatherdetError where there is none. */
async function firstSamples(calibration: Calibration, count: number): Promise<CalibrationSample[]> {
  const samples: CalibrationSample[] = [];
  for await (const sample of calibration) {
    samples.push(sample);
    if (samples.length === count) break;
  }
  if (samples.length === 0) throw new FeatherdetError("there are no calibration samples to measure sensitivity on");
  return samples;
}

/** Outputs of a graph on each sample. */
async function outputsOf(
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

/** What quantizing the chosen nodes alone does to the outputs. */
async function measure(
  calibrated: Calibrated,
  isFloat: (node: Node) => boolean,
  originals: readonly Readonly<Record<string, RunnerTensor>>[],
  samples: readonly CalibrationSample[],
  options: SensitivityOptions,
): Promise<Fidelity> {
  const { graph } = quantizeCalibrated(calibrated, { ...options, float: isFloat, storeOutputs: true });
  const meter = new FidelityMeter();
  const changed = await outputsOf(graph, samples, options.runner);
  changed.forEach((outputs, i) => meter.add(originals[i], outputs));
  return meter.result();
}

/**
 * The sensitivity of every layer, most sensitive first. A graph of its own is run for each layer: on YOLO11n this is 90 times the time
 * of running the samples.
 *
 * Throws what `calibrate` throws.
 */
export async function sensitivity(
  source: Graph,
  calibration: Calibration,
  options: SensitivityOptions,
): Promise<LayerSensitivity[]> {
  const { runner, float = "yolo11" } = options;
  const samples = await firstSamples(calibration, options.samples ?? 8);
  const calibrated = await calibrate(source, samples, { runner });
  const { graph } = calibrated;
  const originals = await outputsOf(graph, samples, runner);
  const rule = floatRule(graph, float);
  const { layers } = placeInt8(graph, { float: rule, joins: "shared", storeOutputs: false });
  const results: LayerSensitivity[] = [];
  for (const { node, operator, float: covered = null } of layers) {
    const isFloat = (other: Node) => other.name !== node.name;
    const fidelity = await measure(calibrated, isFloat, originals, samples, options);
    results.push({ name: node.name, operator, covered, ...fidelity });
    options.onLayer?.(results.length, layers.length, node.name);
  }
  return results.sort((a, b) => b.loss - a.loss);
}
