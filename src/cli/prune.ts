/**
 * `prune`: removes the channels that are worth least until a budget is met, or sets the least weights to zero, and trains what is left in
 * rounds if asked to.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { CRITERIA_NAMES, MASK_PATTERNS, type PruneBudget, WIDTH_METHOD_NAMES } from "../compress/prune/mod.ts";
import { FeatherdetError } from "../graph/error.ts";
import { type PrunedModel, pruneModel, type PruneModelOptions, sparsifyModel } from "../recipes/prune/prune_model.ts";
import type { SparsifyRound } from "../recipes/prune/mask_finetune.ts";
import type { PruneRound } from "../recipes/prune/prune_finetune.ts";
import { PROXY_NAMES } from "../recipes/prune/width_meter.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import { strictOption } from "./detection_options.ts";
import { layerTable, roundText, shareText, zerosRoundText, zerosTable, zerosText } from "./prune_text.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import type { Output } from "./output.ts";
import type { EpochRecord } from "../train/loop/record.ts";
import { TrainProgress } from "./train_progress.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

const EXAMPLE = `deno task prune --model bccd --data bccd --gflops 0.5 --out pruned.onnx
  deno task prune --model bccd --data bccd --latency 0.6 --method knapsack --out pruned.onnx
  deno task prune --model bccd --data bccd --gflops 0.4 --bytes 0.4 --rounds 3 --epochs 6 --run runs/pruned --out pruned.onnx
  deno task prune --model bccd --data bccd --sparsity 0.7 --pattern block4x4 --epochs 4 --run runs/sparse --out sparse.onnx`;

const share = numberIn(1e-6, 1);

function command() {
  return deviceVerb("prune", "Remove the channels that are worth least, and train what is left.", EXAMPLE)
    .requiredOption("--model <model>", "name, ONNX file or URL")
    .requiredOption("--out <file>", "ONNX file to write")
    .option(
      "--data <set>",
      "pictures: synthetic, bccd, coco, a folder, or its data.yaml; without them weights alone decide",
    )
    .option(
      "--split <name>",
      "part of the data set that is looked at and trained on, or several (train+extra); train by default",
    )
    .option("--val-split <name>", "part that figures are of; val by default")
    .option("--limit <number>", "look at and train on the first so many pictures only", integerIn(1, 2 ** 31 - 1))
    .addOption(strictOption())
    .option("--val-limit <number>", "figures are of the first so many pictures only", integerIn(1, 2 ** 31 - 1))
    .option("--size <pixels>", "side of the input; the model's own by default", inputSize)
    .option("--gflops <share>", "share of the operations that may be left", share)
    .option("--parameters <share>", "share of the parameters that may be left", share)
    .option("--bytes <share>", "share of the bytes of the weights that may be left", share)
    .option(
      "--latency <share>",
      "share of the milliseconds on this adapter that may be left, by measured layers",
      share,
    )
    .addOption(new Option("--method <name>", "how widths are chosen; by the criterion alone by default")
      .choices(WIDTH_METHOD_NAMES))
    .addOption(
      new Option("--proxy <name>", "what candidates of knapsack and netadapt are scored by; agreement by default")
        .choices(PROXY_NAMES),
    )
    .option("--sparsity <share>", "instead of removing channels: share of the weights that become zero", share)
    .addOption(new Option("--pattern <name>", "which weights become zero together; unstructured by default")
      .choices(MASK_PATTERNS))
    .option("--attention", "weights that make queries, keys and values of attention may become zero too")
    .option(
      "--dense",
      "zeros take bytes in the file like other numbers, as programs without sparse initializers read it",
    )
    .addOption(
      new Option("--criterion <name>", "what a channel is worth; taylor with pictures, l2 without them by default")
        .choices(CRITERIA_NAMES),
    )
    .addOption(new Option("--reduction <name>", "how parts of a coupling group become one number; sum by default")
      .choices(["sum", "mean", "max"] as const))
    .addOption(new Option("--normalisation <name>", "how layers are made comparable; by the criterion by default")
      .choices(["none", "mean", "structure"] as const))
    .addOption(new Option("--ranking <name>", "all layers together, or the same share of each; global by default")
      .choices(["global", "local"] as const))
    .addOption(new Option("--per <cost>", "divide scores by what a channel saves; the budget's cost by default")
      .choices(["gflops", "parameters", "bytes", "latency", "none"] as const))
    .option("--multiple <number>", "widths stay multiples of this; 4 by default", integerIn(1, 1024))
    .option("--floor <share>", "least share of each layer's channels that stays; 0.1 by default", numberIn(0, 1))
    .option("--keep <pattern...>", "nodes whose channels stay, such as 'model.0.*'")
    .option(
      "--pictures <number>",
      "pictures that are looked at before and after a cut; 64 by default",
      integerIn(1, 2 ** 31 - 1),
    )
    .option("--rounds <number>", "cuts, each followed by training; needs --epochs", integerIn(1, 100))
    .addOption(new Option("--schedule <name>", "how much each round takes; equal by default")
      .choices(["equal", "cubic"] as const))
    .option(
      "--epochs <number>",
      "epochs of training after each cut, 0 for the last cut alone; no training by default",
      integerIn(0, 2 ** 31 - 1),
    )
    .option(
      "--last-epochs <number>",
      "epochs after the last cut; three times the others by default, 30 if they have none",
      integerIn(1, 2 ** 31 - 1),
    )
    .option("--run <folder>", "files of the rounds, from which a run that was stopped goes on; needed for training")
    .option("--batch <number>", "pictures of a training step; 8 by default", integerIn(1, 1024))
    .option("--lr <rate>", "learning rate; as for training by default", numberIn(0, 100))
    .option("--warmup <epochs>", "epochs of the warm-up; 3 by default", numberIn(0, 1e6))
    .option("--mosaic <probability>", "of four pictures put together; 1 by default", numberIn(0, 1))
    .option("--flip-vertical <probability>", "of top and bottom exchanged; 0 by default", numberIn(0, 1))
    .option("--val-every <epochs>", "epochs between validations; 1 by default", integerIn(1, 2 ** 31 - 1))
    .addOption(new Option("--metric <name>", "figure that the best epoch is chosen by; map by default")
      .choices(["map", "map50"] as const))
    .option("--seed <number>", "of training and of the criterion random; 0 by default", integerIn(0, 2 ** 31 - 1));
}

type Options = ReturnType<ReturnType<typeof command>["opts"]>;

function budgetOf({ gflops, parameters, bytes, latency }: Options): PruneBudget {
  const budget = {
    ...(gflops && { gflops }),
    ...(parameters && { parameters }),
    ...(bytes && { bytes }),
    ...(latency && { latency }),
  };
  if (Object.keys(budget).length > 0) return budget;
  throw new FeatherdetError(
    "--gflops, --parameters, --bytes or --latency says how much may be left, or --sparsity how many weights become zero",
  );
}

/** An option as it is written. */
const flag = (name: string) => `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/** Options of channels that go, which zeros have no use for. */
const OF_CHANNELS = [
  "gflops",
  "parameters",
  "bytes",
  "latency",
  "method",
  "proxy",
  "criterion",
  "reduction",
  "normalisation",
  "per",
  "multiple",
] as const;

/** True where weights become zero instead of channels that go. Throws FeatherdetError for options that do not go together. */
function setsZeros(options: Options): boolean {
  if (options.sparsity === undefined && options.pattern === undefined) {
    const useless = (["attention", "dense"] as const).find((name) => options[name]);
    if (useless === undefined) return false;
    throw new FeatherdetError(`${flag(useless)} is for weights that become zero: give --sparsity`);
  }
  const useless = OF_CHANNELS.find((name) => options[name] !== undefined);
  if (useless === undefined) return true;
  throw new FeatherdetError(
    `${flag(useless)} is for channels that are removed, --sparsity and --pattern set weights to zero`,
  );
}

/** Options of training alone. */
const OF_TRAINING = [
  ...["rounds", "schedule", "lastEpochs", "run", "batch", "lr", "warmup"] as const,
  ...["mosaic", "flipVertical", "valEvery", "metric"] as const,
] as const;

/** The training that was asked for; undefined for none. Throws FeatherdetError for options that do not go together. */
function trainingOf(options: Options): Omit<NonNullable<PruneModelOptions["training"]>, "signal"> | undefined {
  const { rounds, schedule, epochs, lastEpochs, run, batch, lr, warmup, valEvery, metric, seed } = options;
  const { flipVertical, mosaic } = options;
  if (epochs === undefined) {
    const useless = OF_TRAINING.find((name) => options[name] !== undefined);
    if (useless === undefined) return undefined;
    throw new FeatherdetError(`${flag(useless)} is for training: give --epochs`);
  }
  if (run === undefined) throw new FeatherdetError("--run names the folder of the rounds, which training needs");
  return {
    ...{
      folder: run,
      rounds: rounds ?? 1,
      schedule,
      epochs,
      lastEpochs: lastEpochs ?? (rounds === undefined ? epochs : undefined),
    },
    ...{ trainBatch: batch, learningRate: lr, warmupEpochs: warmup, validateEvery: valEvery, metric, seed },
    augment: { ...(mosaic !== undefined && { mosaic }), ...(flipVertical !== undefined && { flipVertical }) },
  };
}

type Settings = Options & { readonly json?: true };

/** Which pictures. Throws FeatherdetError for parts of no data set. */
function picturesOf({ data, split, valSplit, limit, valLimit, strict }: Options) {
  const useless = Object.entries({ split, valSplit, limit, valLimit, strict }).find(([, value]) => value !== undefined);
  if (data === undefined && useless) {
    throw new FeatherdetError(`${flag(useless[0])} is a part of pictures: give --data`);
  }
  const isNamed = (part: object) => Object.values(part).some((value) => value !== undefined);
  const trained = { split, limit, strict }, validated = { split: valSplit, limit: valLimit, strict };
  return { data, ...(isNamed(trained) && { trained }), ...(isNamed(validated) && { validated }) };
}

/** Progress and stopping of a job, the same whatever is cut. */
async function withProgress<Result extends { readonly reason: string }>(
  output: Output,
  training: ReturnType<typeof trainingOf>,
  run: (how: { signal: AbortSignal; onEpoch: (record: EpochRecord) => void } | undefined) => Promise<Result>,
): Promise<Result> {
  const stop = training && stopSignal(output);
  const progress = new TrainProgress(output, 0, 0);
  try {
    const made = await run(stop && { signal: stop.signal, onEpoch: (record) => progress.epoch(record) });
    if (made.reason === "interrupted") {
      output.note(`interrupted: the same command goes on with the rounds in ${training!.folder}`);
      Deno.exitCode = INTERRUPTED;
    }
    return made;
  } finally {
    stop?.release();
  }
}

/** Figures of the JSON object. */
const figures = ({ scores }: Pick<PrunedModel, "scores">) =>
  scores && { map50: scores.after.map50, map: scores.after.map, mapBefore: scores.before };

async function removeChannels(settings: Settings, output: Output): Promise<object> {
  const budget = budgetOf(settings), training = trainingOf(settings);
  const { model, out, size, criterion, reduction, normalisation, ranking, per, multiple, floor, keep } = settings;
  const { method, proxy } = settings;
  if (method === undefined || method === "criterion") {
    if (proxy !== undefined) throw new FeatherdetError("--proxy scores candidates: give --method knapsack or netadapt");
  } else {
    const useless = (["ranking", "per"] as const).find((name) => settings[name] !== undefined);
    if (useless) {
      throw new FeatherdetError(`${flag(useless)} is for widths by the criterion, not for --method ${method}`);
    }
  }
  const made = await withProgress(output, training, (how) =>
    pruneModel({
      ...{
        model,
        out,
        ...picturesOf(settings),
        size,
        budget,
        criterion,
        reduction,
        normalisation,
        ranking,
        per,
        multiple,
        floor,
        keep,
      },
      ...{ method, proxy, onChoosing: (what: string) => output.note(what) },
      ...{ pictures: settings.pictures, seed: settings.seed, say: (line: string) => output.note(line) },
      training: training && {
        ...{ ...training, ...how },
        onRound: (round: PruneRound) => output.note(roundText(round)),
      },
    }));
  if (made.reason === "finished") {
    for (const line of made.report ? layerTable(made.report) : []) output.line(line);
    output.line(shareText(made));
    output.line(`written to ${out}, ${made.bytes} bytes`);
  }
  const { before, after, report, rounds } = made;
  return {
    ...{ before, after, file: out, criterion: report?.criterion ?? criterion ?? "taylor" },
    groups: report?.groups ?? { removed: rounds?.reduce((sum, { removed }) => sum + removed, 0) },
    sparsity: 1 - after.parameters / before.parameters,
    ...figures(made),
    ...(report && { layers: report.layers }),
    ...(rounds && { rounds }),
  };
}

async function setZeros(settings: Settings, output: Output): Promise<object> {
  const training = trainingOf(settings);
  const { model, out, size, sparsity, pattern, ranking, floor, keep, attention, dense, pictures } = settings;
  const made = await withProgress(output, training, (how) =>
    sparsifyModel({
      ...{
        model,
        out,
        ...picturesOf(settings),
        size,
        sparsity,
        pattern,
        ranking,
        floor,
        keep,
        attention,
        dense,
        pictures,
      },
      say: (line: string) => output.note(line),
      training: training && {
        ...{ ...training, ...how },
        onRound: (round: SparsifyRound) => output.note(zerosRoundText(round)),
      },
    }));
  const { before, after, report, rounds } = made;
  if (made.reason === "finished") {
    for (const line of zerosTable(report!)) output.line(line);
    output.line(zerosText(made));
    output.line(`written to ${out}, ${made.bytes} bytes`);
  }
  return {
    ...{ before, after, file: out, pattern: pattern ?? "unstructured", sparsity: report?.sparsity },
    ...{ zeros: report?.zeros, elements: report?.elements },
    ...figures(made),
    ...(report && { layers: report.layers }),
    ...(rounds && { rounds }),
  };
}

/** The verb `prune`. */
export const pruneVerb = command().action(async (options) => {
  await deviceAction<typeof options>((settings, output) =>
    setsZeros(settings) ? setZeros(settings, output) : removeChannels(settings, output)
  )(options);
});
