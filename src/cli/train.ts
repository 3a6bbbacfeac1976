/**
 * `train`: trains a detector on a data set, from random or trained weights, and continues interrupted runs.
 *
 * @module
 */

import { dirname, join, resolve } from "node:path";
import { type AugmentOptions, stepsPerEpoch } from "../data/augment/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { kindOf } from "../data/files.ts";
import { openDataset } from "../data/open.ts";
import { adapterText, sharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { DETECTORS } from "../models/named.ts";
import { loadOnnx } from "../onnx/mod.ts";
import { trainingPlot } from "../report/plot/mod.ts";
import { BEST_CHECKPOINT, BEST_MODEL, LAST_CHECKPOINT } from "../train/loop/loop.ts";
import type { Checkpoint } from "../train/loop/checkpoint.ts";
import { LOG_FILE } from "../train/loop/log.ts";
import { train, type TrainResult } from "../recipes/train_detector.ts";
import type { Output } from "./output.ts";
import { checkFolder, folderStore, openCheckpoint, refuseRun, takeAlong } from "../host/run_folder.ts";
import { trainModel } from "../recipes/starting_model.ts";
import { trainCommand } from "./train_options.ts";
import { TrainProgress } from "./train_progress.ts";
import { tuningFor } from "../host/tuning_store.ts";
import { deviceAction } from "./verb.ts";

/** Options of this call, or those with which the run began. */
type Asked = ReturnType<ReturnType<typeof trainCommand>["opts"]>;

/** What has no part in what a run is: not kept in its checkpoints. */
const NOT_KEPT = ["json", "install", "resume", "out", "workers"];

/** The learning-rate curves and all that. */
const CURVES_FILE = "curves.svg";

/** Exit status of a program that was interrupted, as shells have it. */
const INTERRUPTED = 130;

/** The pictures to train on: the part of that name, or all where there are no parts. */
async function openTraining({ data, split, limit }: Asked): Promise<Dataset> {
  try {
    return await openDataset(data!, { split: split ?? "train", limit });
  } catch (error) {
    if (split !== undefined || !(error instanceof FeatherdetError) || !error.detail.includes("has no splits")) {
      throw error;
    }
    return await openDataset(data!, { limit });
  }
}

/** The pictures to validate on; undefined if there are none, which a note says. */
async function openValidation(
  { data, valSplit, valLimit, valEvery }: Asked,
  { split }: Dataset,
  output: Output,
): Promise<Dataset | undefined> {
  if (valEvery === 0) return undefined;
  if (split !== undefined || valSplit !== undefined) {
    try {
      return await openDataset(data!, { split: valSplit ?? "val", limit: valLimit });
    } catch (error) {
      if (valSplit !== undefined || !(error instanceof FeatherdetError) || !error.detail.includes("no split")) {
        throw error;
      }
    }
  }
  output.note(`${data} has no part to validate on: the last epoch counts as the best`);
  return undefined;
}

/** What the user set of some options; all that was not set is absent. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function augmentOf(asked: Asked): AugmentOptions | false {
  if (!asked.augment) return false;
  const { mosaic, scale, translate, rotate, shear, flipHorizontal, flipVertical, hue, saturation, value } = asked;
  return given({ mosaic, scale, translate, rotate, shear, flipHorizontal, flipVertical, hue, saturation, value });
}

/** Aborts at the first Ctrl-C or request to end, ends at the second. */
function stopSignal(output: Output): { signal: AbortSignal; release(): void } {
  const abort = new AbortController();
  const stop = () => {
    if (abort.signal.aborted) Deno.exit(INTERRUPTED);
    output.note("stopping after this update, once more to stop at once");
    abort.abort(new Error("interrupted"));
  };
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of names) Deno.addSignalListener(name, stop);
  return {
    signal: abort.signal,
    release() {
      for (const name of names) Deno.removeSignalListener(name, stop);
    },
  };
}

/** Side of the input where nobody says. */
const USUAL_SIZE = 256;

/** Options that say how the model is made: a resumed run has it in its checkpoint. */
const OF_THE_MODEL = ["model", "pretrained", "size", "width", "depth"] as const;

/** Options with which a resumed run began, changed by the options of this call. */
function resumed(checkpoint: Checkpoint, file: string, now: Asked): Asked {
  const { notes } = checkpoint.settings as { notes?: Asked };
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
function formText({ quantize }: Asked): string {
  if (quantize === undefined) return "";
  return quantize === "int8" ? ", weights and activations in int8" : `, ${quantize} weights`;
}

/** Throws FeatherdetError for options of quantization that do not go together. */
function checkQuantize({ quantize, calibration, model, pretrained }: Asked): void {
  if (calibration !== undefined && quantize !== "int8") {
    throw new FeatherdetError("--calibration is for --quantize int8, nothing else has ranges to be seen");
  }
  if (quantize === "int8" && Object.hasOwn(DETECTORS, model!) && !pretrained) {
    throw new FeatherdetError(
      `--quantize int8 measures ranges before training, and ${model} begins with random weights: take a file or --pretrained`,
    );
  }
}

/** A run that is to be begun or gone on with. */
interface Run {
  readonly asked: Asked;
  readonly out: string;
  readonly checkpoint?: Checkpoint;
  /** File of the checkpoint. */
  readonly file?: string;
  /** Folder of the run so far, where it is another. */
  readonly from?: string;
}

async function openRun(options: Asked): Promise<Run> {
  const { resume, out } = options;
  if (out !== undefined) checkFolder(out);
  if (resume === undefined) {
    const missing = (["model", "data", "out"] as const).find((name) => options[name] === undefined);
    if (missing !== undefined) throw new FeatherdetError(`--${missing} is needed, or --resume`);
    checkQuantize(options);
    refuseRun(out!);
    return { asked: options, out: out! };
  }
  const { checkpoint, file } = await openCheckpoint(resume);
  const folder = dirname(file);
  const isMoved = out !== undefined && resolve(out) !== resolve(folder);
  if (isMoved) refuseRun(out);
  const asked = resumed(checkpoint, file, options);
  return { asked, out: out ?? folder, checkpoint, file, ...(isMoved && { from: folder }) };
}

function modelOf({ asked, checkpoint, file }: Run, dataset: Dataset, output: Output): Promise<Graph> {
  if (!checkpoint) {
    const { model, pretrained, size = USUAL_SIZE, seed = 0, width, depth } = asked;
    return trainModel({ model: model!, pretrained, size, seed, width, depth }, dataset, (line) => output.note(line));
  }
  if (!checkpoint.model) throw new FeatherdetError("holds no model", { file });
  return loadOnnx(checkpoint.model);
}

/** Where the run's files are, and what became of it. */
function summary(result: TrainResult, { quantize }: Asked, out: string, adapter: string) {
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

/** The verb `train`. */
export const trainVerb = trainCommand().action(async (options, command) => {
  // Defaults that the library fills in are no wishes: a resumed run keeps its own.
  const asked = Object.fromEntries(
    Object.entries(options).filter(([name]) => command.getOptionValueSource(name) !== "default"),
  ) as Asked;
  const { json, install } = options;
  await deviceAction<typeof options>(async (_, output) => {
    const run = await openRun(asked);
    const kept = Object.fromEntries(Object.entries(run.asked).filter(([name]) => !NOT_KEPT.includes(name)));
    const wish = { ...run.asked, augment: run.asked.augment ?? true, precision: run.asked.precision ?? "f32" } as Asked;
    const dataset = await openTraining(wish);
    const validation = await openValidation(wish, dataset, output);
    const warnings = new Set([...dataset.warnings, ...validation?.warnings ?? []]);
    for (const warning of warnings) output.note(warning);
    const device = await sharedDevice();
    const { name: adapter } = device.adapter;
    output.note(`adapter: ${adapterText(device.adapter)}`);
    const model = await modelOf(run, dataset, output);
    const store = await folderStore(run.out);
    if (run.from !== undefined) await takeAlong(store, run.from);
    const { epochs = 40, batch = 8 } = wish;
    const steps = stepsPerEpoch(dataset.images.length, batch);
    const progress = new TrainProgress(output, epochs, steps);
    const pictures = `${dataset.images.length} pictures${
      validation ? `, ${validation.images.length} to validate` : ""
    }`;
    const title = `${model.name} on ${dataset.name}${formText(wish)}`;
    output.note(`${title}: ${pictures}, ${epochs} epochs of ${steps} steps`);
    if (run.checkpoint) {
      const { epoch, step } = run.checkpoint.run.position;
      const place = epoch < epochs
        ? `going on in epoch ${epoch + 1} after ${step} steps`
        : `all ${epoch} epochs are done`;
      output.note(`${run.file}: ${place}`);
    }
    const stop = stopSignal(output);
    try {
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
          calibrationPictures: wish.calibration,
        }),
        ...{ epochs, batch, validation, store, precision: wish.precision, augment: augmentOf(wish), notes: kept },
        tuning: tuningFor(device, { precision: wish.precision }),
        resume: run.checkpoint,
        signal: stop.signal,
        onStep: (event) => progress.step(event),
        onEpoch: (record) => progress.epoch(record),
        onValidated: (_, total) => progress.validated(total),
      });
      progress.stop();
      const subtitle = `${wish.size ?? USUAL_SIZE} px, batch ${batch}, ${pictures}, seed ${wish.seed ?? 0}; ${adapter}`;
      await store.write(CURVES_FILE, trainingPlot(result.run.epochs, { title, subtitle }));
      if (result.reason === "interrupted") {
        output.note(`interrupted: --resume ${run.out} goes on`);
        Deno.exitCode = INTERRUPTED;
      }
      if (result.reason === "patience") output.note("ended early: no epoch was better for long");
      for (const warning of new Set(result.warnings).difference(warnings)) output.note(`warning: ${warning}`);
      const found = summary(result, wish, run.out, adapter);
      if (result.score) {
        const { map50, map } = result.score;
        const figures = `mAP50 ${(100 * map50).toFixed(2)}, mAP50-95 ${(100 * map).toFixed(2)}`;
        const part = validation!.split ?? "the data";
        output.line(`best epoch ${result.bestEpoch} of ${result.epochs}: ${figures} on ${part}${formText(wish)}`);
      }
      output.line(`${result.seconds.toFixed(0)} s; written to ${run.out}`);
      return found;
    } finally {
      progress.stop();
      stop.release();
    }
  })({ ...options, json, install });
});
