/**
 * What a run of training is asked for, of its own or of the run that it goes on with, and what of that does not go together.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import type { AugmentOptions } from "../data/augment/mod.ts";
import { FeatherdetError } from "../graph/error.ts";
import { checkFolder, openCheckpoint, refuseRun } from "../host/run_folder.ts";
import type { PsaKind } from "../models/yolo11.ts";
import type { Checkpoint } from "../train/loop/checkpoint.ts";
import { checkDistil, type DistilRequest } from "./distill/teacher.ts";
import { checkElastic, type ElasticRequest } from "./elastic/training.ts";
import { takesTrained } from "./starting_model.ts";
import { type SparseRequest, withSparseEpochs } from "./sparse_training.ts";
import type { TrainOptions } from "./train_options.ts";
import type { TrainingPicturesOptions } from "./training_pictures.ts";

/** What a run can be asked for, as the command line names it; everything has a default but model, data and folder. */
export interface TrainingRequest
  extends
    Pick<AugmentOptions, "mosaic" | "scale" | "translate" | "rotate" | "shear" | "hue" | "saturation" | "value">,
    Pick<AugmentOptions, "flipHorizontal" | "flipVertical">,
    Pick<
      TrainOptions,
      "epochs" | "batch" | "accumulate" | "optimizer" | "momentum" | "weightDecay" | "cosine" | "decayBy"
    >,
    Pick<TrainOptions, "boxLoss" | "closeMosaic" | "metric" | "patience" | "seed" | "precision" | "recompute">,
    Pick<TrainOptions, "workers" | "quantize" | "freezeEpochs" | "fixedNorm" | "learnScales" | "memoryLimit">,
    TrainingPicturesOptions,
    SparseRequest,
    ElasticRequest,
    DistilRequest {
  /** Name, ONNX file or URL. */
  readonly model?: string;
  /** Folder of the run. */
  readonly out?: string;
  /** Folder or checkpoint of a run to go on with. */
  readonly resume?: string;
  /** Whether a name's trained weights are taken; by default where its file is there and fits. */
  readonly pretrained?: boolean;
  /** Side of the input. */
  readonly size?: number;
  /** Factors of a named model. */
  readonly width?: number;
  readonly depth?: number;
  /** What stands in the place of C2PSA in a named YOLO11. */
  readonly psa?: PsaKind;
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
  /** Name of a photonic array that the model is trained for. */
  readonly photonic?: string;
  /** False: no pictures of labels, batches and what is found; true by default. */
  readonly plots?: boolean;
}

/** Side of the input where nobody says. */
export const USUAL_SIZE = 256;

/** Epochs where nobody says. */
export const USUAL_EPOCHS = 40;

/** Options that say how the model is made: a resumed run has it in its checkpoint. */
const OF_THE_MODEL = ["model", "pretrained", "size", "width", "depth", "psa"] as const;

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

/** What was asked for of the sizes of a named model, to stand behind its name; empty where they are its own. */
export function sizesText({ width, depth }: Pick<TrainingRequest, "width" | "depth">): string {
  const stated = Object.entries({ width, depth }).flatMap(([what, value]) =>
    value === undefined ? [] : `${what} ${value}`
  );
  return stated.length === 0 ? "" : ` of ${stated.join(", ")}`;
}

/** What weights are trained for, in a few words; empty where they stay floats. */
export function formText({ quantize }: TrainingRequest): string {
  if (quantize === undefined) return "";
  return quantize === "int8" ? ", weights and activations in int8" : `, ${quantize} weights`;
}

/** Throws FeatherdetError for options of quantization that do not go together. */
function checkQuantize({ quantize, calibration, learnScales, model, ...how }: TrainingRequest): void {
  if (learnScales && quantize !== "int8") {
    throw new FeatherdetError("--learn-scales is for --quantize int8, nothing else has scales of activations");
  }
  if (calibration !== undefined && quantize !== "int8") {
    throw new FeatherdetError("--calibration is for --quantize int8, nothing else has ranges to be seen");
  }
  if (quantize === "int8" && !takesTrained({ ...how, model: model! })) {
    throw new FeatherdetError(
      `--quantize int8 measures ranges before training, and ${model} begins with random weights: take a file or --pretrained`,
    );
  }
}

/** A run that is to be begun or gone on with. */
export interface Run {
  readonly asked: TrainingRequest;
  readonly out: string;
  readonly checkpoint?: Checkpoint;
  /** File of the checkpoint. */
  readonly file?: string;
  /** Folder of the run so far, where it is another. */
  readonly from?: string;
}

/** Opens the run that is asked for. Throws FeatherdetError for requests that do not go together, and a folder that holds a run already. */
export async function openRun(options: TrainingRequest): Promise<Run> {
  const { resume, out } = options;
  if (out !== undefined) checkFolder(out);
  if (resume === undefined) {
    const missing = (["model", "data", "out"] as const).find((name) => options[name] === undefined);
    if (missing !== undefined) throw new FeatherdetError(`--${missing} is needed, or --resume`);
    checkQuantize(options);
    checkDistil(options);
    checkElastic(options);
    refuseRun(out!);
    return { asked: withSparseEpochs(options, USUAL_EPOCHS), out: out! };
  }
  const { checkpoint, file } = await openCheckpoint(resume);
  const folder = dirname(file);
  const isMoved = out !== undefined && resolve(out) !== resolve(folder);
  if (isMoved) refuseRun(out);
  const asked = withSparseEpochs(resumed(checkpoint, file, options), USUAL_EPOCHS);
  checkDistil(asked);
  checkElastic(asked);
  return { asked, out: out ?? folder, checkpoint, file, ...(isMoved && { from: folder }) };
}
