/**
 * A detector trained on a data set from end to end: batches, trainer, loop and validation put together.
 *
 * @module
 */

import { checkVisible, countBoxRows, openTrainingBatches, type TrainingBatches } from "../data/augment/mod.ts";
import { augmentation } from "../data/augment/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { loadOnnx, saveOnnx } from "../onnx/mod.ts";
import { foldBatchNormalization, withBatch } from "../passes/mod.ts";
import type { Checkpoint } from "../train/loop/checkpoint.ts";
import { type BatchSource, BEST_MODEL, runTraining, type Weights } from "../train/loop/loop.ts";
import { chooseOptimizer, defaultRates, Schedule } from "../train/loop/schedule.ts";
import { createMemoryStore } from "../train/loop/store.ts";
import { combineVariants, type TrainingVariant, withWeights } from "../train/mod.ts";
import { createTrainer } from "./detection_trainer.ts";
import { keepViews, keptViewsOf, withKept } from "./distill/kept_views.ts";
import { quantizedTraining } from "./quantized_training.ts";
import { checkClasses, checkResumed, type RunSettings } from "./run_settings.ts";
import type { TrainOptions, TrainResult } from "./train_options.ts";
import { withTraining } from "./training_history.ts";
import { fitted } from "./training_memory.ts";
import { validated } from "./training_validation.ts";

/** Share of a run with rounded weights in which they are frozen at its end where nobody says, at most an epoch: Gupta and Asthana 2023. */
const FROZEN_SHARE = 0.1;

/** Share of a batch in the running statistics that is published, the largest that is used, and what it takes to forget the first ones. */
const STATISTICS_SHARE = 0.03, LARGEST_SHARE = 0.3, FORGETTING = 12;

/**
 * Share of a batch in the running statistics of BatchNormalization: as published, but larger in runs so short that the first values,
 * which are of nothing, would still be in them at the end: they begin with a variance of 1, where 0.001 is usual.
 */
function statisticsShare(steps: number): number {
  return Math.max(STATISTICS_SHARE, Math.min(LARGEST_SHARE, FORGETTING / steps));
}

/** The variants of a run, in order: none for plain training. */
async function listVariants(
  model: Graph,
  dataset: Dataset,
  { quantize, calibrationPictures, learnScales, resume, variants = [] }: TrainOptions,
): Promise<readonly TrainingVariant[]> {
  if (quantize !== undefined) {
    const rounding = await quantizedTraining(
      model,
      dataset,
      { quantize, calibrationPictures, learnScales },
      resume?.settings,
    );
    return [rounding, ...variants];
  }
  if (learnScales) throw new FeatherdetError("scales are learned in training in int8, which was not asked for");
  if (calibrationPictures === undefined) return variants;
  throw new FeatherdetError("pictures for calibration are for training in int8, which was not asked for");
}

/** The model with trained numbers in place of its own; numbers of what a variant has added are not the model's. */
function withTrained(model: Graph, weights: Weights): Graph {
  return withWeights(model, new Map([...weights].filter(([name]) => model.constants.has(name))));
}

/** The batches, each shown before it is handed on. */
function shown(batches: TrainingBatches, onBatch: NonNullable<TrainOptions["onBatch"]>): BatchSource {
  return {
    stepsPerEpoch: batches.stepsPerEpoch,
    async *read(start) {
      for await (const batch of batches.read(start)) {
        await onBatch(batch);
        yield batch;
      }
    },
  };
}

/**
 * Trains a detector on a data set. The model has to be built for the data set's classes and for the input size; the options state the
 * batch. If the weights came from a file with BatchNormalization folded in, call `adaptStatistics` first.
 *
 * The best epoch is that of the greatest mAP50-95 (or `metric`) of the averaged weights on `validation`.
 *
 * With `quantize` the model is trained for weights of few bits: forward passes round them as they will be rounded, floats go on moving.
 * What is validated, and the model of the best epoch, are the rounded ones; checkpoints hold the floats. For int8 the model has to have
 * learned something already, since the ranges of its activations on `calibrationPictures` stay what they are. Other `variants` combine
 * with that: `batchNormL1`, `distilled`, or those of one's own.
 *
 * Throws FeatherdetError for a model of other classes, for pictures without a box that is large enough, for options out of range, for a checkpoint of another run, for pictures that cannot
 * be read, if there is no adapter or not enough memory, and if numbers stop being finite.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "../data/open.ts";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { train } from "./train_detector.ts";
 * const [dataset, validation] = await Promise.all(
 *   ["train", "val"].map((split) => openDataset("synthetic", { split, limit: 4, size: 64 })),
 * );
 * const model = yolo11({ width: 0.0625, size: 64, classes: dataset.classes });
 * const { epochs, score } = await train(model, dataset, { validation, epochs: 1, batch: 2, augment: false, workers: 0 });
 * assert.equal(epochs, 1); // real runs have more pictures, channels and epochs
 * assert.ok(score!.map50 >= 0);
 * ```
 */
export async function train(given: Graph, dataset: Dataset, options: TrainOptions = {}): Promise<TrainResult> {
  const model = options.fixedNorm ? foldBatchNormalization(given) : given;
  const { epochs = 40, seed = 0, store = createMemoryStore(), validation, resume } = options;
  const { closeMosaic = Math.min(10, Math.floor(epochs / 4)), boxLoss = "ciou", signal, onBatch } = options;
  const pictures = dataset.images.length;
  const data = { name: dataset.name, split: dataset.split, pictures, classes: dataset.classes };
  // Of other pictures, its classes are beside the point.
  if (resume) checkResumed({ dataset: resume.settings.dataset }, JSON.parse(JSON.stringify({ dataset: data })));
  checkClasses(model, dataset, "data set");
  if (validation) {
    checkClasses(model, validation, "validation set");
    if (!validation.images.some(({ boxes }) => boxes.some(({ crowd }) => !crowd))) {
      throw new FeatherdetError(`the validation set "${validation.name}" has no box that could be found`);
    }
  }
  const [, , height, width] = model.inputs[0].shape;
  const size = [height, width] as const;
  const augment = augmentation(options.augment);
  // Without labels, boxes are beside the point.
  if (options.labels !== false) checkVisible(dataset, augment, size);
  const boxes = countBoxRows(dataset, augment, size);
  const { workers } = options;
  const { views } = options;
  const single = withBatch(model, 1);
  const variants = await listVariants(single, dataset, options);
  const variant = combineVariants(variants);
  const { batch, accumulate, precision, recompute, left } = await fitted(model, options, { boxes, boxLoss, variant });
  const ordered = { size, batch, boxes, epochs, seed, augment, closeMosaic, views };
  const batches = openTrainingBatches(dataset, { ...ordered, workers });
  const { stepsPerEpoch } = batches;
  const { optimizer: asked = "auto" } = options;
  const optimizer = asked === "auto" ? chooseOptimizer(epochs * stepsPerEpoch / accumulate) : asked;
  const usual = defaultRates(optimizer, dataset.classes.length);
  const { learningRate = usual.learningRate, momentum = usual.momentum } = options;
  const { freezeEpochs = options.quantize ? Math.min(1, Math.floor(FROZEN_SHARE * epochs)) : 0 } = options;
  const schedule = new Schedule({
    ...options,
    freezeEpochs,
    optimizer,
    epochs,
    batch,
    accumulate,
    stepsPerEpoch,
    learningRate,
    momentum,
  });
  const statisticsMomentum = statisticsShare(epochs * stepsPerEpoch);
  const { stepsPerEpoch: _, freezeEpochs: __, decayBy, ...scheduled } = schedule.options;
  const settings: RunSettings = {
    model: model.name,
    dataset: data,
    size,
    seed,
    precision,
    boxLoss,
    boxes,
    augment,
    closeMosaic,
    statisticsMomentum,
    ...scheduled,
    validateEvery: options.validateEvery ?? 1,
    metric: options.metric ?? "map",
    patience: options.patience ?? 100,
    ...variant.settings,
    ...(freezeEpochs > 0 && { freezeEpochs }),
    // Said only where labels do not teach, since checkpoints of before have no such setting.
    ...(options.labels === false && { labels: false }),
    // Said only where rates fall by steps, statistics stay, and views are fixed, likewise.
    ...(decayBy !== "epoch" && { decayBy }),
    ...(options.fixedNorm && { fixedNorm: true }),
    ...(views !== undefined && { views }),
    notes: options.notes,
  };
  if (resume) checkResumed(resume.settings, JSON.parse(JSON.stringify(settings)));
  const shownAgain = keptViewsOf(variant, withBatch(model, batch), batches, { ...options, settings });
  if (shownAgain) await keepViews(shownAgain, { ...options.kept, signal });
  const noted = withTraining(single, dataset, settings, {
    ...{ parent: withBatch(given, 1), seed, resumed: resume !== undefined },
  });
  const make = options.createTrainer ?? createTrainer;
  const trainer = await make(withBatch(model, batch), {
    ...{ boxes, boxLoss, optimizer, precision, tuning: options.tuning, recompute, start: options.start },
    ...{ momentum: statisticsMomentum, variant, labels: options.labels },
  });
  const plain = (weights: Weights) => withTrained(noted, weights);
  const made = (weights: Weights) => variant.exported(plain(weights), weights);
  try {
    const handedOn = onBatch ? shown(batches, onBatch) : batches;
    const { reason, run } = await runTraining(trainer, shownAgain ? withKept(shownAgain, onBatch) : handedOn, {
      ...options,
      ...validated(made, validation, { ...options, precision, memoryLimit: left }),
      schedule,
      store,
      settings,
      signal,
      exportModel: (weights) => saveOnnx(plain(weights)),
      ...(variants.length > 0 &&
        { exportBest: (weights) => saveOnnx(made(weights), { compact: options.quantize !== undefined }) }),
    });
    const { best, epochs: done, seconds } = run;
    // Before there was a best one, a file of that name is of something else.
    const isThere = best !== undefined || reason !== "interrupted";
    const kept = isThere ? await store.read(BEST_MODEL) : undefined;
    const trained = kept ? await loadOnnx(kept) : made(await trainer.trained("average"));
    return {
      ...(best && { score: { map: best.map, map50: best.map50 } }),
      bestEpoch: (best?.epoch ?? done.length - 1) + 1,
      ...{ epochs: done.length, seconds, reason, model: trained, run, warnings: batches.warnings() },
    };
  } finally {
    trainer.destroy();
  }
}

/**
 * The model that a checkpoint holds, with its averaged weights, for the batch and size that it was trained with at batch 1. Of a run with
 * `quantize` these are the floats that training rounds: use them to train further, not to detect.
 */
export async function readCheckpointModel(checkpoint: Checkpoint, file: string): Promise<Graph> {
  if (checkpoint.model === undefined) throw new FeatherdetError("holds no model", { file });
  return await loadOnnx(checkpoint.model);
}
