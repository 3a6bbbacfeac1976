/**
 * What a detector is worth on an analog array: it is calibrated on pictures, put behind converters and noise, and evaluated on this
 * machine's engine.
 *
 * @module
 */

import {
  type AnalogBits,
  type AnalogCalibration,
  analogGraph,
  type AnalogNoise,
  type AnalogRanges,
  analogRanges,
  calibrateAnalog,
} from "../compress/analog/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { Detector } from "../detect/detector.ts";
import { createSessionRunner } from "../engine/session_runner.ts";
import { takeCalibrationSamples } from "../eval/calibration.ts";
import { COCO_SETTINGS, evaluate } from "../eval/evaluate.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { findPhotonic, type PhotonicArray, photonicNoise } from "../hardware/photonic/array.ts";
import { analog, type TrainingVariant } from "../train/mod.ts";
import type { TrainingRequest } from "./training_request.ts";

/** Pictures that show ranges, where nobody says. */
export const CALIBRATION_PICTURES = 16;

/** How a model runs on an array, for one line of a table. */
export interface AnalogSetting {
  readonly bits: AnalogBits;
  readonly noise: AnalogNoise;
  readonly seed?: number;
}

/** What it is worth there. */
export interface AnalogScore {
  readonly map: number;
  readonly map50: number;
}

/** Bits of an array. */
export function bitsOf({ inputBits, weightBits, outputBits }: PhotonicArray): AnalogBits {
  return { inputs: inputBits, weights: weightBits, outputs: outputBits };
}

/** Looks at the ranges of a model on the first pictures of a set. Throws as `calibrateAnalog` does. */
export async function calibrateOn(
  model: Graph,
  dataset: Dataset,
  { pictures = CALIBRATION_PICTURES, signal }: { readonly pictures?: number; readonly signal?: AbortSignal } = {},
): Promise<AnalogCalibration> {
  const [{ name, shape: [, , height, width] }] = model.inputs;
  const samples = takeCalibrationSamples(dataset, { size: [height, width], limit: pictures, input: name });
  const runner = createSessionRunner();
  try {
    return await calibrateAnalog(model, samples, { runner, signal });
  } finally {
    runner.destroy();
  }
}

/** COCO's figures of a graph on a data set. */
export async function scoreOf(graph: Graph, dataset: Dataset, signal?: AbortSignal): Promise<AnalogScore> {
  const detector = await Detector.load(graph, COCO_SETTINGS);
  try {
    const { map, map50 } = await evaluate(detector, dataset, { signal });
    return { map, map50 };
  } finally {
    detector.destroy();
  }
}

/** COCO's figures of a model on an array. */
export function analogScore(
  model: Graph,
  calibration: AnalogCalibration,
  dataset: Dataset,
  { bits, noise, seed }: AnalogSetting,
): Promise<AnalogScore> {
  return scoreOf(analogGraph(model, analogRanges(calibration, bits), { bits, noise, seed }), dataset);
}

/**
 * The variant that trains a model, at batch 1, for an array. Its ranges are seen on the first pictures of the training set, but for a run
 * that is resumed, which has them.
 */
export async function analogTraining(
  model: Graph,
  dataset: Dataset,
  setting: AnalogSetting,
  resumed?: AnalogRanges,
): Promise<TrainingVariant> {
  return analog({ ranges: resumed ?? analogRanges(await calibrateOn(model, dataset), setting.bits), ...setting });
}

/** The variant that a request asks for: one, or none. `settings` are those of the run that is resumed. */
export async function photonicVariants(
  { photonic, quantize, seed = 0 }: Pick<TrainingRequest, "photonic" | "quantize" | "seed">,
  model: Graph,
  dataset: Dataset,
  settings?: Readonly<Record<string, unknown>>,
): Promise<TrainingVariant[]> {
  if (photonic === undefined) return [];
  if (quantize !== undefined) throw new FeatherdetError("an array rounds by itself: take --photonic or --quantize");
  const array = findPhotonic(photonic), { ranges } = (settings?.analog ?? {}) as { ranges?: AnalogRanges };
  const setting = { bits: bitsOf(array), noise: photonicNoise(array), seed };
  return [await analogTraining(model, dataset, setting, ranges)];
}
