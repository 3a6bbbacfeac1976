/**
 * A run of training in a folder: what `train` is asked for, from the name of a model and a data set to the files that it leaves.
 *
 * @module
 */

import { dirname, join, resolve } from "node:path";
import { type AugmentOptions, stepsPerEpoch } from "../data/augment/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { kindOf } from "../data/files.ts";
import { adapterText, openSharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { checkFolder, folderStore, lockRun, openCheckpoint, refuseRun, takeAlong } from "../host/run_folder.ts";
import { tuningFor } from "../host/tuning_store.ts";
import { DETECTORS } from "../models/named.ts";
import { loadOnnx } from "../onnx/mod.ts";
import { drawTraining } from "../report/plot/mod.ts";
import type { Checkpoint } from "../train/loop/checkpoint.ts";
import { LOG_FILE } from "../train/loop/log.ts";
import { BEST_CHECKPOINT, BEST_MODEL, LAST_CHECKPOINT } from "../train/loop/loop.ts";
import { checkDistil, type DistilRequest, loadTeacher, teacherVariants } from "./distill/teacher.ts";
import { openTrainingPictures, type TrainingPicturesOptions } from "./training_pictures.ts";
import { type SparseRequest, sparseVariants, withSparseEpochs } from "./sparse_training.ts";
import { trainModel } from "./starting_model.ts";
import { train } from "./train_detector.ts";
import type { TrainOptions, TrainResult } from "./train_options.ts";

/** What a run can be asked for, as the command line names it; everything has a default but model, data and folder. */
export interface TrainingRequest
  extends
    Pick<AugmentOptions, "mosaic" | "scale" | "translate" | "rotate" | "shear" | "hue" | "saturation" | "value">,
    Pick<AugmentOptions, "flipHorizontal" | "flipVertical">,
    Pick<TrainOptions, "epochs" | "batch" | "accumulate" | "optimizer" | "momentum" | "weightDecay" | "cosine">,
    Pick<TrainOptions, "boxLoss" | "closeMosaic" | "metric" | "patience" | "seed" | "precision" | "recompute">,
    Pick<TrainOptions, "workers" | "quantize" | "freezeEpochs" | "learnScales">,
    TrainingPicturesOptions,
    SparseRequest,
    DistilRequest {
  /** Name, ONNX file or URL. */
  readonly model?: string;
  /** Folder of the run. */
  readonly out?: string;
  /** Folder or checkpoint of a run to go on with. */
  readonly resume?: string;
  /** Takes the trained weights of the name's file. */
  readonly pretrained?: boolean;
  /** Side of the input. */
  readonly size?: number;
  /** Factors of a named model. */
  readonly width?: number;
  readonly depth?: number;
  /** Learning rate, and what is left of it at the end. */
  readonly lr?: number;
  readonly lrf?: number;
  /** Epochs of the warm-up. */
  readonly warmup?: number;
  /** Largest norm of the gradient. */
  readonly clip?: number;
  /** False: pictures as they are. */
  readonly augment?: boolean;
  /** Pictures that show ranges for int8. */
  readonly calibration?: number;
}

/** Who is told how a run gets on. */
export interface TrainingListener extends Pick<TrainOptions, "onStep" | "onEpoch" | "onValidated" | "signal"> {
  /** A line for people. */
  readonly say: (line: string) => void;
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

/** Side of the input where nobody says. */
const USUAL_SIZE = 256;

/** Options that say how the model is made: a resumed run has it in its checkpoint. */
const OF_THE_MODEL = ["model", "pretrained", "size", "width", "depth"] as const;

/** Options with which a resumed run began, changed by the options of this call. */
function resumed(checkpoint: Checkpoint, file: string, now: TrainingRequest): TrainingRequest {
  const { notes } = checkpoint.settings as { notes?: TrainingRequest };
  if (notes?.data === undefined) throw new FeatherdetError("is not of a run of this command", { file });
  const then = { size: USUAL_SIZE, ...notes };
  for (const name of OF_THE_MODEL) {
    if (now[name] === undefined || now[name] === then[name]) continue;
    const before = then[name] === undefined ? `without --${name}` : `with --${name} ${then[name]}`;
    throw new FeatherdetError(`is of a run ${before}, which cannot be changed: leave it out, or begin a new run`, {
      file,
    });
  }
  return { ...notes, ...now };
}

/** What weights are trained for, in a few words; empty where they stay floats. */
export function formText({ quantize }: TrainingRequest): string {
  if (quantize === undefined) return "";
  return quantize === "int8" ? ", weights and activations in int8" : `, ${quantize} weights`;
}

/** Throws FeatherdetError for options of quantization that do not go together. */
function checkQuantize({ quantize, calibration, learnScales, model, pretrained }: TrainingRequest): void {
  if (learnScales && quantize !== "int8") {
    throw new FeatherdetError("--learn-scales is for --quantize int8, nothing else has scales of activations");
  }
  if (calibration !== undefined && quantize !== "int8") {
    throw new FeatherdetError("--calibration is for --quantize int8, nothing else has ranges to be seen");
  }
  if (quantize === "int8" && Object.hasOwn(DETECTORS, model!) && !pretrained) {
    throw new FeatherdetError(
      `--quantize int8 measures ranges before training, and ${model} begins with random weights: take a file or --pretrained`,
    );
  }
}

/** Epochs where nobody says. */
const USUAL_EPOCHS = 40;

/** A run that is to be begun or gone on with. */
interface Run {
  readonly asked: TrainingRequest;
  readonly out: string;
  readonly checkpoint?: Checkpoint;
  /** File of the checkpoint. */
  readonly file?: string;
  /** Folder of the run so far, where it is another. */
  readonly from?: string;
}

async function openRun(options: TrainingRequest): Promise<Run> {
  const { resume, out } = options;
  if (out !== undefined) checkFolder(out);
  if (resume === undefined) {
    const missing = (["model", "data", "out"] as const).find((name) => options[name] === undefined);
    if (missing !== undefined) throw new FeatherdetError(`--${missing} is needed, or --resume`);
    checkQuantize(options);
    checkDistil(options);
    refuseRun(out!);
    return { asked: withSparseEpochs(options, USUAL_EPOCHS), out: out! };
  }
  const { checkpoint, file } = await openCheckpoint(resume);
  const folder = dirname(file);
  const isMoved = out !== undefined && resolve(out) !== resolve(folder);
  if (isMoved) refuseRun(out);
  const asked = withSparseEpochs(resumed(checkpoint, file, options), USUAL_EPOCHS);
  checkDistil(asked);
  return { asked, out: out ?? folder, checkpoint, file, ...(isMoved && { from: folder }) };
}

function modelOf({ asked, checkpoint, file }: Run, dataset: Dataset, say: (line: string) => void): Promise<Graph> {
  if (!checkpoint) {
    const { model, pretrained, size = USUAL_SIZE, seed = 0, width, depth } = asked;
    return trainModel({ model: model!, pretrained, size, seed, width, depth }, dataset, say);
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
 * Makes or resumes a run in a folder: opens model and data, trains, and writes models, checkpoints, log and curves.
 *
 * Throws FeatherdetError for requests that do not go together, a folder that holds a run already, and as `train` does.
 */
export async function runTrainingIn(
  request: TrainingRequest,
  { say, onStart, onEnd, ...listener }: TrainingListener,
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
  if (run.from !== undefined) await takeAlong(store, run.from);
  const { epochs = USUAL_EPOCHS, batch = 8 } = wish;
  const steps = stepsPerEpoch(dataset.images.length, batch);
  const pictures = `${dataset.images.length} pictures${validation ? `, ${validation.images.length} to validate` : ""}`;
  const taught = teacher ? `, taught by ${teacher.name}${wish.labels === false ? " alone" : ""}` : "";
  const title = `${model.name} on ${dataset.name}${formText(wish)}${taught}`;
  say(`${title}: ${pictures}, ${epochs} epochs of ${steps} steps`);
  if (run.checkpoint) {
    const { epoch, step } = run.checkpoint.run.position;
    const place = epoch < epochs
      ? `going on in epoch ${epoch + 1} after ${step} steps`
      : `all ${epoch} epochs are done`;
    say(`${run.file}: ${place}`);
  }
  onStart?.(epochs, steps);
  const result = await train(model, dataset, {
    ...given({
      accumulate: wish.accumulate,
      learningRate: wish.lr,
      finalFactor: wish.lrf,
      momentum: wish.momentum,
      weightDecay: wish.weightDecay,
      warmupEpochs: wish.warmup,
      cosine: wish.cosine,
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
      quantize: wish.quantize,
      labels: wish.labels,
      freezeEpochs: wish.freezeEpochs,
      learnScales: wish.learnScales,
      calibrationPictures: wish.calibration,
    }),
    ...{ epochs, batch, validation, store, precision: wish.precision, augment: augmentOf(wish), notes: kept },
    ...{
      variants: [...sparseVariants(wish), ...teacherVariants(teacher, wish, pictureShape, wish.seed)],
      tuning: tuningFor(device, { precision: wish.precision }),
      resume: run.checkpoint,
      ...listener,
    },
  });
  onEnd?.();
  const subtitle = `${size} px, batch ${batch}, ${pictures}, seed ${wish.seed ?? 0}; ${adapter}`;
  await store.write(CURVES_FILE, drawTraining(result.run.epochs, { title, subtitle }));
  for (const warning of new Set(result.warnings).difference(warnings)) say(`warning: ${warning}`);
  return { result, out: run.out, asked: wish, validation, summary: summary(result, wish, run.out, adapter) };
}
