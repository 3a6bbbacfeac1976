/**
 * A run of training in a folder, from the name of a model and a data set to the files that it leaves.
 *
 * @module
 */

import { join } from "node:path";
import { type AugmentOptions, stepsPerEpoch } from "../data/augment/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { kindOf } from "../data/files.ts";
import { adapterText, openSharedDevice } from "../gpu/device.ts";
import { megabytes } from "../engine/memory_limit.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { folderStore, lockRun, takeAlong } from "../host/run_folder.ts";
import { tuningFor } from "../host/tuning_store.ts";
import { loadOnnx } from "../onnx/mod.ts";
import { drawTraining } from "../report/plot/mod.ts";
import { LOG_FILE } from "../train/loop/log.ts";
import { BEST_CHECKPOINT, BEST_MODEL, LAST_CHECKPOINT } from "../train/loop/loop.ts";
import { RESULTS_FILE } from "../train/loop/results.ts";
import type { KeptOptions } from "./distill/kept_views.ts";
import { keptIn, loadTeacher, teacherVariants } from "./distill/teacher.ts";
import { drawRun, RUN_PICTURES } from "./run_pictures.ts";
import {
  formText,
  openRun,
  type Run,
  sizesText,
  type TrainingRequest,
  USUAL_EPOCHS,
  USUAL_SIZE,
} from "./training_request.ts";
import { openTrainingPictures } from "./training_pictures.ts";
import { elasticTraining } from "./elastic/training.ts";
import { photonicVariants } from "./photonic.ts";
import { sparseVariants } from "./sparse_training.ts";
import { takesTrained, trainModel } from "./starting_model.ts";
import { train } from "./train_detector.ts";
import type { TrainOptions, TrainResult } from "./train_options.ts";

/** Who is told how a run gets on. */
export interface TrainingListener extends Pick<TrainOptions, "onStep" | "onEpoch" | "onValidated" | "signal"> {
  /** A line for people. */
  readonly say: (line: string) => void;
  /** Told before a teacher looks at views how much that is. */
  readonly onTaught?: KeptOptions["onBatch"];
  /** Told before the first step how long the run is. */
  readonly onStart?: (epochs: number, stepsPerEpoch: number) => void;
  /** Told when no step follows. */
  readonly onEnd?: () => void;
}

/** Names of what a request asks that have no part in what a run is: checkpoints do not keep them. */
const NOT_KEPT = ["json", "install", "resume", "out", "workers"];

/** The learning-rate curves and all that. */
const CURVES_FILE = "curves.svg";

/** What was set of some options; all that was not set is absent. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function augmentOf(asked: TrainingRequest): AugmentOptions | false {
  if (!asked.augment) return false;
  const { mosaic, scale, translate, rotate, shear, flipHorizontal, flipVertical, hue, saturation, value } = asked;
  return given({ mosaic, scale, translate, rotate, shear, flipHorizontal, flipVertical, hue, saturation, value });
}

function modelOf({ asked, checkpoint, file }: Run, dataset: Dataset, say: (line: string) => void): Promise<Graph> {
  if (!checkpoint) {
    const { model, pretrained, size = USUAL_SIZE, seed = 0, width, depth, psa, fixedNorm, quantize } = asked;
    return trainModel({ model: model!, pretrained, size, seed, width, depth, psa, fixedNorm, quantize }, dataset, say);
  }
  if (!checkpoint.model) throw new FeatherdetError("holds no model", { file });
  return loadOnnx(checkpoint.model);
}

/** Where the run's files are, and what became of it. */
function summary(result: TrainResult, { quantize }: TrainingRequest, out: string, adapter: string) {
  const { score, bestEpoch, epochs, seconds, reason, run } = result;
  const hasBest = kindOf(join(out, BEST_CHECKPOINT)) === "file";
  return {
    map50: score?.map50 ?? null,
    map: score?.map ?? null,
    ...{ epochs, bestEpoch, seconds, reason },
    quantize: quantize ?? null,
    checkpoint: join(out, hasBest ? BEST_CHECKPOINT : LAST_CHECKPOINT),
    model: hasBest ? join(out, BEST_MODEL) : null,
    last: join(out, LAST_CHECKPOINT),
    log: join(out, LOG_FILE),
    results: join(out, RESULTS_FILE),
    curves: join(out, CURVES_FILE),
    adapter,
    history: run.epochs,
  };
}

/** What a run made, and where its files are. */
export interface TrainingOutcome {
  /** As `train` gave it. */
  readonly result: TrainResult;
  /** Folder of the run. */
  readonly out: string;
  /** What the run was asked for, that of a resumed one included. */
  readonly asked: TrainingRequest;
  /** The pictures that the best epoch was chosen by. */
  readonly validation?: Dataset;
  /** Files and figures as plain data. */
  readonly summary: ReturnType<typeof summary>;
}

/**
 * Makes or resumes a run in a folder: opens model and data, trains, and writes models, checkpoints, log, curves and pictures.
 *
 * Throws FeatherdetError for requests that do not go together, a folder that holds a run already, and as `train` does.
 */
export async function runTrainingIn(
  request: TrainingRequest,
  { say, onStart, onEnd, onTaught, ...listener }: TrainingListener,
): Promise<TrainingOutcome> {
  const run = await openRun(request);
  const kept = Object.fromEntries(Object.entries(run.asked).filter(([name]) => !NOT_KEPT.includes(name)));
  const wish: TrainingRequest = {
    ...run.asked,
    augment: run.asked.augment ?? true,
    precision: run.asked.precision ?? "f32",
  };
  const { size = USUAL_SIZE } = wish, pictureShape = [1, 3, size, size];
  const teacher = await loadTeacher(wish, pictureShape);
  const { dataset, validation } = await openTrainingPictures(wish, teacher, say);
  const warnings = new Set([...dataset.warnings, ...validation?.warnings ?? []]);
  for (const warning of warnings) say(warning);
  const device = await openSharedDevice();
  const { name: adapter } = device.adapter;
  say(`adapter: ${adapterText(device.adapter)}`);
  const model = await modelOf(run, dataset, say);
  const store = await folderStore(run.out);
  using _ = lockRun(run.out);
  if (run.from !== undefined) await takeAlong(store, run.from, RUN_PICTURES);
  const { epochs = USUAL_EPOCHS, batch = 8 } = wish;
  const steps = stepsPerEpoch(dataset.images.length, batch);
  const pictures = `${dataset.images.length} pictures${validation ? `, ${validation.images.length} to validate` : ""}`;
  const taught = teacher ? `, taught by ${teacher.name}${wish.labels === false ? " alone" : ""}` : "";
  const title = `${model.name}${sizesText(wish)} on ${dataset.name}${formText(wish)}${taught}`;
  say(`${title}: ${pictures}, ${epochs} epochs of ${steps} steps`);
  if (run.checkpoint) {
    const { epoch, step } = run.checkpoint.run.position;
    const place = epoch < epochs
      ? `going on in epoch ${epoch + 1} after ${step} steps`
      : `all ${epoch} epochs are done`;
    say(`${run.file}: ${place}`);
  }
  onStart?.(epochs, steps);
  const subtitle = `${size} px, batch ${batch}, ${pictures}, seed ${wish.seed ?? 0}; ${adapter}`;
  const drawn = wish.plots === false
    ? {}
    : await drawRun({ store, dataset, validation, size: [size, size], title, subtitle, say });
  const { variants: elastics = [], createTrainer } = elasticTraining(wish, model, {
    ...{ seed: wish.seed, settings: run.checkpoint?.settings },
    trained: run.checkpoint === undefined && takesTrained({ ...wish, model: wish.model! }),
  });
  const result = await train(model, dataset, {
    ...(createTrainer && { createTrainer }),
    ...given({
      accumulate: wish.accumulate,
      learningRate: wish.lr,
      finalFactor: wish.lrf,
      momentum: wish.momentum,
      weightDecay: wish.weightDecay,
      warmupEpochs: wish.warmup,
      cosine: wish.cosine,
      decayBy: wish.decayBy,
      fixedNorm: wish.fixedNorm,
      clipNorm: wish.clip,
      boxLoss: wish.boxLoss,
      closeMosaic: wish.closeMosaic,
      validateEvery: wish.valEvery,
      metric: wish.metric,
      patience: wish.patience,
      seed: wish.seed,
      optimizer: wish.optimizer,
      workers: wish.workers,
      recompute: wish.recompute,
      memoryLimit: wish.memoryLimit,
      quantize: wish.quantize,
      labels: wish.labels,
      freezeEpochs: wish.freezeEpochs,
      learnScales: wish.learnScales,
      calibrationPictures: wish.calibration,
    }),
    ...(wish.teacherViews !== undefined &&
      { views: wish.teacherViews, kept: await keptIn(run.out, wish, { say, onTaught }) }),
    // Where memory decides, a precision that nobody asked for is not given.
    precision: wish.memoryLimit === undefined ? wish.precision : run.asked.precision,
    ...{ epochs, batch, validation, store, augment: augmentOf(wish), notes: kept },
    ...{
      variants: [
        ...elastics,
        ...await photonicVariants(wish, model, dataset, run.checkpoint?.settings),
        ...sparseVariants(wish),
        ...teacherVariants(teacher, wish, pictureShape, wish.seed),
      ],
      tuning: tuningFor(device, { precision: wish.precision }),
      resume: run.checkpoint,
      onFitted: ({ text, bytes, batch: size }) => {
        say(`memory: ${text}, ${megabytes(bytes)} with validation`);
        if (size !== batch) onStart?.(epochs, stepsPerEpoch(dataset.images.length, size));
      },
      ...drawn,
      ...listener,
    },
  });
  onEnd?.();
  await store.write(CURVES_FILE, drawTraining(result.run.epochs, { title, subtitle }));
  for (const warning of new Set(result.warnings).difference(warnings)) say(`warning: ${warning}`);
  return { result, out: run.out, asked: wish, validation, summary: summary(result, wish, run.out, adapter) };
}
