/**
 * What `prune` is asked: its options, and what they mean together.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { CRITERIA_NAMES, MASK_PATTERNS, type PruneBudget, WIDTH_METHOD_NAMES } from "../compress/prune/mod.ts";
import { FeatherdetError } from "../graph/error.ts";
import { adapterLayerMeter } from "../hardware/adapter/meters.ts";
import { ADAPTER_HERE, modelOfAdapter } from "../host/adapter_models.ts";
import { deviceLayerMeter } from "../hardware/layer_meter.ts";
import { deviceNames } from "../hardware/profile.ts";
import { checkDistil } from "../recipes/distill/teacher.ts";
import type { PruneModelOptions } from "../recipes/prune/prune_model.ts";
import { PROXY_NAMES } from "../recipes/prune/width_meter.ts";
import { flagOf } from "../report/table/recipe_text.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import { decayByOption, fixedNormOption } from "./fine_tuning_options.ts";
import { firstPixelOption, noPlotsOption, strictOption } from "./detection_options.ts";
import { distilOptions } from "./distil_options.ts";
import { deviceVerb } from "./verb.ts";

const EXAMPLE = `deno task prune --model bccd --data bccd --gflops 0.5 --out pruned.onnx
  deno task prune --model bccd --data bccd --latency 0.6 --method knapsack --out pruned.onnx
  deno task prune --model bccd --data bccd --layers 0.8 --gflops 0.7 --out pruned.onnx
  deno task prune --model bccd --data bccd --latency 0.6 --device this --out pruned.onnx
  deno task prune --model bccd --data bccd --latency 0.9 --device jetson-nano --out pruned.onnx
  deno task prune --model bccd --data bccd --gflops 0.4 --bytes 0.4 --rounds 3 --epochs 6 --run runs/pruned --out pruned.onnx
  deno task prune --model bccd --data bccd --sparsity 0.7 --pattern block4x4 --epochs 4 --run runs/sparse --out sparse.onnx`;

const share = numberIn(1e-6, 1);

/** `prune` with its options. */
export function pruneCommand() {
  return deviceVerb("prune", "Remove the channels and layers that are worth least, and train what is left.", EXAMPLE)
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
    .addOption(firstPixelOption())
    .option("--val-limit <number>", "figures are of the first so many pictures only", integerIn(1, 2 ** 31 - 1))
    .option("--size <pixels>", "side of the input; the model's own by default", inputSize)
    .option("--gflops <share>", "share of the operations that may be left", share)
    .option("--parameters <share>", "share of the parameters that may be left", share)
    .option("--bytes <share>", "share of the bytes of the weights that may be left", share)
    .option(
      "--latency <share>",
      "share of the milliseconds on this adapter, or on --device, that may be left, by its layers",
      share,
    )
    .option(
      "--layers <share>",
      "share of the layers that may be left: parts that the model can do without go whole, before channels do",
      share,
    )
    .addOption(
      new Option(
        "--device <name>",
        "milliseconds are predicted instead of measured: of a device that is not here, or of `this` adapter (see predict-latency)",
      ).choices([ADAPTER_HERE, ...deviceNames()]),
    )
    .option("--times", "milliseconds of every layer on this adapter, before and after, in the table")
    .addOption(new Option("--method <name>", "how widths are chosen; by the criterion alone by default")
      .choices(WIDTH_METHOD_NAMES))
    .addOption(
      new Option(
        "--proxy <name>",
        "what candidates of methods other than criterion are scored by; agreement by default",
      )
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
    .option(
      "--queue <url>",
      "workers of this queue score the candidates of methods other than criterion (deno task worker --queue URL)",
    )
    .option(
      "--together <number>",
      "candidates that are scored at the same time; 4 by default with --queue, else 1",
      integerIn(1, 1000),
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
    .option(
      "--refit",
      "fit weights to what layers made on the pictures before the cut; where no training follows by default",
    )
    .option("--no-refit", "keep the weights of the channels that are left as they are")
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
    .addOption(decayByOption())
    .addOption(fixedNormOption())
    .option("--mosaic <probability>", "of four pictures put together; 1 by default", numberIn(0, 1))
    .option("--flip-vertical <probability>", "of top and bottom exchanged; 0 by default", numberIn(0, 1))
    .addOption(distilOptions.teacher())
    .addOption(distilOptions.distil())
    .addOption(distilOptions.temperature())
    .addOption(distilOptions.teacherSize())
    .addOption(distilOptions.teacherAssigns())
    .addOption(distilOptions.distilMaps())
    .option("--no-labels", "with a teacher: only it teaches after a cut")
    .addOption(noPlotsOption())
    .option("--val-every <epochs>", "epochs between validations; 1 by default", integerIn(1, 2 ** 31 - 1))
    .addOption(new Option("--metric <name>", "figure that the best epoch is chosen by; map by default")
      .choices(["map", "map50"] as const))
    .option("--seed <number>", "of training and of the criterion random; 0 by default", integerIn(0, 2 ** 31 - 1));
}

type Options = ReturnType<ReturnType<typeof pruneCommand>["opts"]>;

/** How much may be left, by what is counted; nothing where layers alone go. Throws FeatherdetError where nothing says so. */
export function budgetOf({ gflops, parameters, bytes, latency, layers }: Options): PruneBudget {
  const budget = {
    ...(gflops && { gflops }),
    ...(parameters && { parameters }),
    ...(bytes && { bytes }),
    ...(latency && { latency }),
  };
  if (Object.keys(budget).length > 0 || layers !== undefined) return budget;
  throw new FeatherdetError(
    "--gflops, --parameters, --bytes, --latency or --layers says how much may be left, or --sparsity how many weights become zero",
  );
}

/** Who says what layers take, where they are not measured. Throws FeatherdetError where no milliseconds are asked for. */
export async function layerMeterOf(
  { device, latency, times, per }: Options,
): Promise<Pick<PruneModelOptions, "device" | "layerMeter">> {
  if (device === undefined) return {};
  if (latency === undefined && !times && per !== "latency") {
    throw new FeatherdetError("--device predicts milliseconds: give --latency, --times or --per latency");
  }
  const adapter = await modelOfAdapter(device);
  return { device, layerMeter: adapter ? adapterLayerMeter(adapter) : deviceLayerMeter(device) };
}

/** Options of channels that go, which zeros have no use for. */
const OF_CHANNELS = [
  "gflops",
  "parameters",
  "bytes",
  "latency",
  "layers",
  "device",
  "times",
  "method",
  "proxy",
  "queue",
  "together",
  "criterion",
  "reduction",
  "normalisation",
  "per",
  "multiple",
  "refit",
] as const;

/** True where weights become zero instead of channels that go. Throws FeatherdetError for options that do not go together. */
export function setsZeros(options: Options): boolean {
  if (options.sparsity === undefined && options.pattern === undefined) {
    const useless = (["attention", "dense"] as const).find((name) => options[name]);
    if (useless === undefined) return false;
    throw new FeatherdetError(`${flagOf(useless)} is for weights that become zero: give --sparsity`);
  }
  const useless = OF_CHANNELS.find((name) => options[name] !== undefined);
  if (useless === undefined) return true;
  throw new FeatherdetError(
    `${flagOf(useless)} is for channels that are removed, --sparsity and --pattern set weights to zero`,
  );
}

/** Options of training, which is asked for by its epochs. */
const OF_TRAINING = [
  ...["rounds", "schedule", "lastEpochs", "run", "batch", "lr", "warmup", "decayBy", "fixedNorm"] as const,
  ...["mosaic", "flipVertical", "valEvery", "metric"] as const,
  ...["teacher", "distil", "temperature", "teacherSize", "teacherAssigns", "distilMaps"] as const,
] as const;

/** The training that was asked for; undefined for none. Throws FeatherdetError for options that do not go together. */
export function trainingOf(options: Options): Omit<NonNullable<PruneModelOptions["training"]>, "signal"> | undefined {
  const { rounds, schedule, epochs, lastEpochs, run, batch, lr, warmup, decayBy, fixedNorm, valEvery, metric, seed } =
    options;
  const { flipVertical, mosaic, teacher, distil, temperature, teacherSize, teacherAssigns, distilMaps, labels, plots } =
    options;
  if (epochs === undefined) {
    const useless = OF_TRAINING.find((name) => options[name] !== undefined);
    if (useless === undefined) return undefined;
    throw new FeatherdetError(`${flagOf(useless)} is for training: give --epochs`);
  }
  checkDistil(options);
  if (run === undefined) throw new FeatherdetError("--run names the folder of the rounds, which training needs");
  return {
    ...{
      folder: run,
      rounds: rounds ?? 1,
      schedule,
      epochs,
      lastEpochs: lastEpochs ?? (rounds === undefined ? epochs : undefined),
      plots,
    },
    ...(teacher !== undefined && {
      ...{ teacher, distil, temperature, teacherSize, teacherAssigns, distilMaps },
      ...(!labels && { labels }),
    }),
    ...{
      trainBatch: batch,
      learningRate: lr,
      warmupEpochs: warmup,
      decayBy,
      fixedNorm,
      validateEvery: valEvery,
      metric,
      seed,
    },
    augment: { ...(mosaic !== undefined && { mosaic }), ...(flipVertical !== undefined && { flipVertical }) },
  };
}

/** The options with those that every verb has. */
export type PruneSettings = Options & { readonly json?: true };

/** Which pictures. Throws FeatherdetError for parts of no data set. */
export function picturesOf({ data, split, valSplit, limit, valLimit, strict, firstPixel }: Options) {
  const parts = { split, valSplit, limit, valLimit, strict, firstPixel };
  const useless = Object.entries(parts).find(([, value]) => value !== undefined);
  if (data === undefined && useless) {
    throw new FeatherdetError(`${flagOf(useless[0])} is a part of pictures: give --data`);
  }
  const isNamed = (part: object) => Object.values(part).some((value) => value !== undefined);
  const trained = { split, limit, strict, firstPixel };
  const validated = { split: valSplit, limit: valLimit, strict, firstPixel };
  return { data, ...(isNamed(trained) && { trained }), ...(isNamed(validated) && { validated }) };
}
