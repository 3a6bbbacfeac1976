/**
 * Quantization-aware training of a detector: what is trained in place of the float model, and what its trained weights become.
 *
 * @module
 */

import {
  type ActivationScales,
  calibrate,
  convertQat,
  findActivationScales,
  learnedScales,
  LOW_BITS,
  type LowBitName,
  prepareQat,
  type PrepareQatOptions,
} from "../compress/quantize/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { takeCalibrationSamples } from "../eval/calibration.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { createSessionRunner } from "../engine/session_runner.ts";
import { PLAIN, type TrainingVariant } from "../train/mod.ts";

/**
 * What a model is trained for: weights and activations in int8, or weights of four bits, two (ternary) or one (binary) with activations
 * in float.
 */
export type QuantizedForm = "int8" | LowBitName;

/** Which numbers of a model are rounded in training. */
export interface QuantizedTrainingOptions {
  /** What it is trained for. */
  readonly quantize: QuantizedForm;
  /** For int8: number of pictures, from the start of the training set, that show which ranges activations have; 64 by default. */
  readonly calibrationPictures?: number;
  /** For int8: scales of activations are trained like weights, from those that the pictures show; false by default. */
  readonly learnScales?: boolean;
}

/** What checkpoints keep of it; whatever a run that is resumed needs. */
export interface QuantizedSettings {
  readonly quantize: QuantizedForm;
  readonly calibrationPictures?: number;
  /** Said only where scales are learned. */
  readonly learnScales?: true;
  /** Scale and zero point of every value that is stored in int8. */
  readonly activationScales?: Readonly<Record<string, readonly [scale: number, zeroPoint: number]>>;
}

/** The variant of rounded numbers: the history of what it exports says so. */
export interface QuantizedTraining extends TrainingVariant {
  readonly settings: Readonly<Record<string, unknown>> & QuantizedSettings;
}

/** A variant that rounds as `prepareQat` does. Throws FeatherdetError if the model has frozen parts, which would be rounded too. */
function roundingVariant(
  settings: QuantizedSettings,
  options: PrepareQatOptions,
  exported: TrainingVariant["exported"],
): QuantizedTraining {
  const { quantize } = settings;
  return {
    ...PLAIN,
    name: quantize,
    settings: { ...settings },
    trainable(model) {
      if (model.frozen.size > 0) {
        throw new FeatherdetError(
          `training for ${quantize} rounds the model alone: it comes before what adds frozen parts`,
        );
      }
      const { graph, logScales } = prepareQat(model.graph, options);
      const learned = logScales.map((name) => [name, "norm"] as const);
      return { ...model, graph, trained: new Map([...model.trained, ...learned]) };
    },
    exported,
  };
}

/** Bits of a weight. */
const BITS = { int8: 8, ...LOW_BITS } as const;

/** Pictures that show ranges, unless said otherwise. */
const CALIBRATION_PICTURES = 64;

/** How ranges are chosen from them. */
const SCHEME = { observer: "mse", activations: "asymmetric", float: "yolo11" } as const;

/** Scales of the activations of a model on the first pictures of a data set. */
async function calibratedScales(model: Graph, dataset: Dataset, pictures: number): Promise<ActivationScales> {
  const [{ name, shape: [, , height, width] }] = model.inputs;
  const samples = takeCalibrationSamples(dataset, { size: [height, width], limit: pictures, input: name });
  const runner = createSessionRunner();
  try {
    const { float } = SCHEME;
    return findActivationScales(await calibrate(model, samples, { runner, float }), SCHEME);
  } finally {
    runner.destroy();
  }
}

/** Training for weights of few bits. */
function lowBitTraining(quantize: LowBitName): QuantizedTraining {
  const rounding = { bits: BITS[quantize], float: SCHEME.float };
  return roundingVariant({ quantize }, rounding, (model) => convertQat(model, rounding));
}

/** Training for int8 with these scales of activations. */
function int8Training(
  dataset: Dataset,
  [height, width]: readonly number[],
  settings: QuantizedSettings & Required<Pick<QuantizedSettings, "calibrationPictures" | "activationScales">>,
): QuantizedTraining {
  const { float } = SCHEME;
  const scales = new Map(
    Object.entries(settings.activationScales).map(([value, [scale, zeroPoint]]) => [value, { scale, zeroPoint }]),
  );
  const part = dataset.split === undefined ? "" : ` ${dataset.split}`;
  const pictures = Math.min(settings.calibrationPictures, dataset.images.length);
  const calibration = `${dataset.name}${part}, ${pictures} pictures at ${width}x${height}`;
  const { learnScales = false } = settings;
  const rounding = { bits: BITS.int8, scales, float, learnScales };
  const how = { weights: "channel", joins: "shared", biasCorrection: false, clipWeights: false };
  const also = { calibration, ...SCHEME, ...how, ...(learnScales && { learnScales }) };
  return roundingVariant(settings, rounding, (model, trained = new Map()) => {
    return convertQat(model, { ...rounding, scales: learnedScales(model, { scales, float }, trained), also });
  });
}

/**
 * Makes ready to train a model (at batch 1) for what the options say. For int8 the model, as it is given, is run on pictures of the
 * training set, and the scales that they lead to stay; a run that is resumed takes those of its checkpoint.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "../data/open.ts";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { trainableGraph } from "../train/mod.ts";
 * import { quantizedTraining } from "./quantized_training.ts";
 * const dataset = await openDataset("synthetic", { split: "train", limit: 2, size: 64 });
 * const model = yolo11({ width: 0.0625, size: 64, classes: dataset.classes });
 * const { trainable, exported } = await quantizedTraining(model, dataset, { quantize: "ternary" });
 * assert.ok(trainable(trainableGraph(model)).graph.nodes.some(({ op }) => op === "FakeQuantizeWeights"));
 * assert.ok(exported(model).nodes.some(({ op }) => op === "UnpackWeights"));
 * ```
 *
 * Throws FeatherdetError for another form, for a model whose numbers are rounded already, and as `calibrate` does.
 */
export async function quantizedTraining(
  model: Graph,
  dataset: Dataset,
  { quantize, calibrationPictures, learnScales = false }: QuantizedTrainingOptions,
  resumed?: Partial<QuantizedSettings>,
): Promise<QuantizedTraining> {
  if (!Object.hasOwn(BITS, quantize)) {
    throw new FeatherdetError(`cannot train for "${quantize}", there are ${Object.keys(BITS).join(", ")}`);
  }
  if (learnScales && quantize !== "int8") {
    throw new FeatherdetError(`scales of activations are learned for int8: ${quantize} weights have none`);
  }
  if (quantize !== "int8") {
    if (calibrationPictures === undefined) return lowBitTraining(quantize);
    throw new FeatherdetError(`pictures for calibration are for int8: ${quantize} weights need none`);
  }
  const pictures = calibrationPictures ?? CALIBRATION_PICTURES;
  if (!Number.isInteger(pictures) || pictures < 1) {
    throw new FeatherdetError(`${pictures} pictures for calibration, expected a whole number of at least 1`);
  }
  const kept = resumed?.quantize === "int8" ? resumed.activationScales : undefined;
  const found = kept ?? Object.fromEntries(
    [...await calibratedScales(model, dataset, pictures)].map(
      ([value, { scale, zeroPoint }]) => [value, [scale, zeroPoint] as const],
    ),
  );
  const size = model.inputs[0].shape.slice(2);
  return int8Training(dataset, size, {
    ...{ quantize, calibrationPictures: pictures, activationScales: found },
    ...(learnScales && { learnScales }),
  });
}
