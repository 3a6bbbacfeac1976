/**
 * A detector trained on a data set from end to end: batches, trainer, loop and validation put together.
 *
 * @module
 */

import { type AugmentOptions, checkVisible, countBoxRows, openTrainingBatches } from "../data/augment/mod.ts";
import { augmentation } from "../data/augment/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { Detector } from "../detect/detector.ts";
import { createTrainer, type TrainerOptions } from "./detection_trainer.ts";
import { takeCalibrationSamples } from "../eval/calibration.ts";
import { COCO_SETTINGS, evaluate } from "../eval/evaluate.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { classNamesOf } from "../detect/class_names.ts";
import { loadOnnx, saveOnnx } from "../onnx/mod.ts";
import { changeShapes } from "../passes/mod.ts";
import { quantizedTraining, type QuantizedTrainingOptions } from "./quantized_training.ts";
import { withTraining } from "./training_history.ts";
import { createSessionRunner } from "../engine/session_runner.ts";
import type { Tuning } from "../plan/tuning.ts";
import type { Checkpoint } from "../train/loop/checkpoint.ts";
import { BEST_MODEL, type LoopOptions, runTraining, type Weights } from "../train/loop/loop.ts";
import { combineVariants, type TrainingVariant, withWeights } from "../train/mod.ts";
import type { RunRecord, Score } from "../train/loop/record.ts";
import {
  chooseOptimizer,
  defaultRates,
  type Optimizer,
  Schedule,
  type ScheduleOptions,
} from "../train/loop/schedule.ts";
import { estimateStatistics } from "../train/autodiff/statistics.ts";
import { createMemoryStore, type TrainingStore } from "../train/loop/store.ts";
import type { Trainer } from "../train/loop/trainer.ts";

/** How a detector is trained. Defaults are the published ones of YOLO11 unless said otherwise. */
export interface TrainOptions
  extends
    Partial<Omit<ScheduleOptions, "optimizer" | "stepsPerEpoch">>,
    Pick<LoopOptions, "validateEvery" | "metric" | "patience" | "saveEvery" | "signal" | "onStep" | "onEpoch">,
    Pick<TrainerOptions, "boxLoss" | "precision" | "recompute" | "labels">,
    Partial<QuantizedTrainingOptions> {
  /** Passes over the pictures; 40 by default (our choice). */
  readonly epochs?: number;
  /** Pictures of a step; 8 by default. */
  readonly batch?: number;
  /** `auto`, the default: AdamW for runs of up to 10,000 updates, SGD for longer ones. */
  readonly optimizer?: Optimizer | "auto";
  /** Pictures that are not trained on, to choose the best epoch. Without them the last epoch is the best. */
  readonly validation?: Dataset;
  /** Augmentation of pictures; by default the usual one of YOLO detectors, `false` for none. */
  readonly augment?: AugmentOptions | false;
  /** Epochs at the end without mosaics; 10 by default, but at most a quarter of the run. */
  readonly closeMosaic?: number;
  /** Equal seeds give equal runs on one adapter; 0 by default. */
  readonly seed?: number;
  /** Workers that make batches; half of the processors by default, 0 for none. */
  readonly workers?: number;
  /** Where checkpoints, model and log go; in memory by default. */
  readonly store?: TrainingStore;
  /** A checkpoint to continue from. The model and every option that decides on the result must be those of the run. */
  readonly resume?: Checkpoint;
  /** Notes on the origin of the run that checkpoints and log keep, as JSON. */
  readonly notes?: Readonly<Record<string, unknown>>;
  /**
   * Further training variants, behind rounding: losses that regularise, parts that teach. Each has its own losses by name, and its
   * settings are those of the run.
   */
  readonly variants?: readonly TrainingVariant[];
  /** What `tune` found on this adapter. */
  readonly tuning?: Tuning;
  /** Called after each validated picture. */
  readonly onValidated?: (done: number, total: number) => void;
  /** Makes the trainer; on the device by default. */
  readonly createTrainer?: (model: Graph, options: TrainerOptions) => Promise<Trainer>;
}

/** What training gave. */
export interface TrainResult {
  /** Figures of the best epoch on the validation pictures; undefined if there are none. */
  readonly score?: Score;
  /** Best epoch, counted from 1; the last one without a validation. */
  readonly bestEpoch: number;
  /** Epochs that were done, including those before a resume. */
  readonly epochs: number;
  /** Time that they took, including validation. */
  readonly seconds: number;
  /** Why it ended: all epochs are done, no epoch was better for too long, or the signal stopped it. */
  readonly reason: "finished" | "patience" | "interrupted";
  /** The model with its averaged weights of the best epoch, at batch 1; with those of the end where there was no validation, or the
   * store has no longer what a run that was resumed had found. */
  readonly model: Graph;
  /** All epochs. */
  readonly run: RunRecord;
  /** What was corrected while the data set was read, and boxes that found no row in a batch, a sentence each. */
  readonly warnings: readonly string[];
}

/** Settings that make a run what it is, as checkpoints keep them. */
type Settings = Readonly<Record<string, unknown>>;

/** What may change when a run goes on. `epochs` stretches the schedule, so the run is another than one that was asked for so. */
const CHANGEABLE = ["epochs", "closeMosaic", "statisticsMomentum", "patience", "validateEvery", "notes"];

/** Share of a batch in the running statistics that is published, the largest that is used, and what it takes to forget the first ones. */
const STATISTICS_SHARE = 0.03, LARGEST_SHARE = 0.3, FORGETTING = 12;

/**
 * Share of a batch in the running statistics of BatchNormalization: as published, but larger in runs so short that the first values,
 * which are of nothing, would still be in them at the end: they begin with a variance of 1, where 0.001 is usual.
 */
function statisticsShare(steps: number): number {
  return Math.max(STATISTICS_SHARE, Math.min(LARGEST_SHARE, FORGETTING / steps));
}

function at(graph: Graph, batch: number): Graph {
  const [{ name, shape }] = graph.inputs;
  const wanted = [batch, ...shape.slice(1)];
  return String(wanted) === String(shape) ? graph : changeShapes(graph, { [name]: wanted });
}

/** A setting in a few words; undefined for none. */
function settingText(value: unknown): string | undefined {
  const { name, split, pictures, classes } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(classes)) return JSON.stringify(value);
  return `${name}${split === undefined ? "" : ` (${split})`}, ${pictures} pictures, ${brief(classes)}`;
}

function checkResumed(kept: Settings, asked: Settings): void {
  for (const key of Object.keys({ ...kept, ...asked })) {
    const [before, now] = [kept[key], asked[key]];
    if (JSON.stringify(before) === JSON.stringify(now) || CHANGEABLE.includes(key)) continue;
    throw new FeatherdetError(
      `the checkpoint is of a run with ${key} ${settingText(before) ?? "not set"}, asked for is ${
        settingText(now) ?? "none"
      }`,
    );
  }
}

/** How many classes, and the first of them. */
function brief(names: readonly string[]): string {
  return `${names.length} classes (${names.slice(0, 3).join(", ")}${names.length > 3 ? " ..." : ""})`;
}

function checkClasses(model: Graph, dataset: Dataset, what: string): void {
  const names = classNamesOf(model);
  if (names !== undefined && names.join("\n") !== dataset.classes.join("\n")) {
    throw new FeatherdetError(
      `"${model.name}" is for ${brief(names)}, ${what} "${dataset.name}" has ${
        brief(dataset.classes)
      }: build it for them, or ` +
        "see withClasses",
    );
  }
}

/** The variants of a run, in order: none for plain training. */
async function listVariants(
  model: Graph,
  dataset: Dataset,
  { quantize, calibrationPictures, resume, variants = [] }: TrainOptions,
): Promise<readonly TrainingVariant[]> {
  if (quantize !== undefined) {
    const rounding = await quantizedTraining(model, dataset, { quantize, calibrationPictures }, resume?.settings);
    return [rounding, ...variants];
  }
  if (calibrationPictures === undefined) return variants;
  throw new FeatherdetError("pictures for calibration are for training in int8, which was not asked for");
}

/** The model with trained numbers in place of its own; numbers of what a variant has added are not the model's. */
function withTrained(model: Graph, weights: Weights): Graph {
  return withWeights(model, new Map([...weights].filter(([name]) => model.constants.has(name))));
}

/** Measures what is made of weights on a data set. */
function validator(
  made: (weights: Weights) => Graph,
  dataset: Dataset,
  { quantize, precision: trained, signal, workers, tuning, onValidated }: TrainOptions,
): (weights: Weights) => Promise<Score> {
  const precision = quantize === "int8" ? "int8" : trained;
  return async (weights) => {
    const detector = await Detector.load(made(weights), { ...COCO_SETTINGS, precision, tuning });
    try {
      const { map, map50 } = await evaluate(detector, dataset, {
        workers,
        onProgress: (done, total) => {
          signal?.throwIfAborted();
          onValidated?.(done, total);
        },
      });
      return { map, map50 };
    } finally {
      detector.destroy();
    }
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
 * with that: `batchNormL1`, or those of one's own.
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
export async function train(model: Graph, dataset: Dataset, options: TrainOptions = {}): Promise<TrainResult> {
  const { epochs = 40, batch = 8, accumulate = 1, seed = 0, store = createMemoryStore(), validation, resume } = options;
  const { closeMosaic = Math.min(10, Math.floor(epochs / 4)), precision = "f32", boxLoss = "ciou", signal } = options;
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
  checkVisible(dataset, augment, size);
  const boxes = countBoxRows(dataset, augment, size);
  const { workers } = options;
  const batches = openTrainingBatches(dataset, { size, batch, boxes, epochs, seed, augment, closeMosaic, workers });
  const { stepsPerEpoch } = batches;
  const { optimizer: asked = "auto" } = options;
  const optimizer = asked === "auto" ? chooseOptimizer(epochs * stepsPerEpoch / accumulate) : asked;
  const usual = defaultRates(optimizer, dataset.classes.length);
  const { learningRate = usual.learningRate, momentum = usual.momentum } = options;
  const schedule = new Schedule({ ...options, optimizer, epochs, batch, stepsPerEpoch, learningRate, momentum });
  const statisticsMomentum = statisticsShare(epochs * stepsPerEpoch);
  const single = at(model, 1);
  const variants = await listVariants(single, dataset, options);
  const variant = combineVariants(variants);
  const { stepsPerEpoch: _, ...scheduled } = schedule.options;
  const settings: Settings = {
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
    // Said only where labels do not teach, since checkpoints of before have no such setting.
    ...(options.labels === false && { labels: false }),
    notes: options.notes,
  };
  if (resume) checkResumed(resume.settings, JSON.parse(JSON.stringify(settings)));
  const noted = withTraining(single, dataset, settings, { seed, resumed: resume !== undefined });
  const make = options.createTrainer ?? createTrainer;
  const trainer = await make(at(model, batch), {
    ...{ boxes, boxLoss, optimizer, precision, tuning: options.tuning, recompute: options.recompute },
    ...{ momentum: statisticsMomentum, variant, labels: options.labels },
  });
  const plain = (weights: Weights) => withTrained(noted, weights);
  const made = (weights: Weights) => variant.exported(plain(weights));
  try {
    const { reason, run } = await runTraining(trainer, batches, {
      ...options,
      schedule,
      store,
      settings,
      signal,
      validate: validation && validator(made, validation, options),
      exportModel: (weights) => saveOnnx(plain(weights)),
      ...(variants.length > 0 && { exportBest: (weights) => saveOnnx(made(weights)) }),
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

/** Pictures from which statistics are estimated, at most. */
const STATISTICS_PICTURES = 64;

/**
 * Measures BatchNormalization statistics of a model on pictures of the data set, without changing what the model computes. Use it before
 * you train weights further that were read from a file with BatchNormalization folded in. See `train/autodiff/statistics.ts`.
 */
export async function adaptStatistics(model: Graph, dataset: Dataset): Promise<Graph> {
  const single = at(model, 1);
  const [input] = single.inputs;
  const [height, width] = input.shape.slice(2);
  const samples = takeCalibrationSamples(dataset, {
    size: [height, width],
    limit: STATISTICS_PICTURES,
    input: input.name,
  });
  const runner = createSessionRunner();
  try {
    const made = await estimateStatistics(single, samples, (graph, inputs) => runner.run(graph, inputs));
    const constants = new Map(model.constants);
    for (const { op, inputs } of model.nodes) {
      if (op !== "BatchNormalization") continue;
      for (const name of inputs.slice(1)) constants.set(name, made.constants.get(name)!);
    }
    return { ...model, constants };
  } finally {
    runner.destroy();
  }
}
