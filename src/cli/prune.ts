/**
 * `prune`: removes the channels that are worth least until a budget is met, and trains the smaller model in rounds if asked to.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { CRITERIA_NAMES, type PruneBudget } from "../compress/prune/mod.ts";
import { FeatherdetError } from "../graph/error.ts";
import { pruneModel, type PruneModelOptions } from "../recipes/prune/prune_model.ts";
import type { PruneRound } from "../recipes/prune/prune_finetune.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import { layerTable, roundText, shareText } from "./prune_text.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { TrainProgress } from "./train_progress.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

const EXAMPLE = `deno task prune --model bccd --data bccd --gflops 0.5 --out pruned.onnx
  deno task prune --model bccd --data bccd --gflops 0.4 --bytes 0.4 --rounds 3 --epochs 6 --run runs/pruned --out pruned.onnx`;

const share = numberIn(1e-6, 1);

function command() {
  return deviceVerb("prune", "Remove the channels that are worth least, and train what is left.", EXAMPLE)
    .requiredOption("--model <model>", "name, ONNX file or URL")
    .requiredOption("--out <file>", "ONNX file to write")
    .option("--data <set>", "pictures: synthetic, bccd, coco, or a folder; without them weights alone decide")
    .option("--size <pixels>", "side of the input; the model's own by default", inputSize)
    .option("--gflops <share>", "share of the operations that may be left", share)
    .option("--parameters <share>", "share of the parameters that may be left", share)
    .option("--bytes <share>", "share of the bytes of the weights that may be left", share)
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
      .choices(["gflops", "parameters", "bytes", "none"] as const))
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
    .option("--flip-vertical <probability>", "of top and bottom exchanged; 0 by default", numberIn(0, 1))
    .option("--val-every <epochs>", "epochs between validations; 1 by default", integerIn(1, 2 ** 31 - 1))
    .addOption(new Option("--metric <name>", "figure that the best epoch is chosen by; map by default")
      .choices(["map", "map50"] as const))
    .option("--seed <number>", "of training and of the criterion random; 0 by default", integerIn(0, 2 ** 31 - 1));
}

type Options = ReturnType<ReturnType<typeof command>["opts"]>;

function budgetOf({ gflops, parameters, bytes }: Options): PruneBudget {
  const budget = { ...(gflops && { gflops }), ...(parameters && { parameters }), ...(bytes && { bytes }) };
  if (Object.keys(budget).length > 0) return budget;
  throw new FeatherdetError("--gflops, --parameters or --bytes says how much may be left");
}

/** The training that was asked for; undefined for none. Throws FeatherdetError for options that do not go together. */
function trainingOf(options: Options): Omit<NonNullable<PruneModelOptions["training"]>, "signal"> | undefined {
  const { rounds, schedule, epochs, lastEpochs, run, batch, lr, flipVertical, valEvery, metric, seed } = options;
  if (epochs === undefined) {
    const useless =
      (["rounds", "schedule", "lastEpochs", "run", "batch", "lr", "flipVertical", "valEvery", "metric"] as const)
        .find((name) => options[name] !== undefined);
    if (useless === undefined) return undefined;
    throw new FeatherdetError(
      `--${useless.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} is for training: give --epochs`,
    );
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
    ...{ trainBatch: batch, learningRate: lr, validateEvery: valEvery, metric, seed },
    augment: flipVertical === undefined ? {} : { flipVertical },
  };
}

/** The verb `prune`. */
export const pruneVerb = command().action(async (options) => {
  await deviceAction<typeof options>(async (settings, output) => {
    const budget = budgetOf(settings), training = trainingOf(settings);
    const { model, out, data, size, criterion, reduction, normalisation, ranking, per, multiple, floor, keep } =
      settings;
    const stop = training && stopSignal(output);
    const progress = new TrainProgress(output, 0, 0);
    try {
      const made = await pruneModel({
        ...{ model, out, data, size, budget, criterion, reduction, normalisation, ranking, per, multiple, floor, keep },
        ...{ pictures: settings.pictures, seed: settings.seed, say: (line: string) => output.note(line) },
        training: training && {
          ...training,
          signal: stop!.signal,
          onRound: (round: PruneRound) => output.note(roundText(round)),
          onEpoch: (record) => progress.epoch(record),
        },
      });
      if (made.reason === "interrupted") {
        output.note(`interrupted: the same command goes on with the rounds in ${training!.folder}`);
        Deno.exitCode = INTERRUPTED;
      } else {
        for (const line of made.report ? layerTable(made.report) : []) output.line(line);
        output.line(shareText(made));
        output.line(`written to ${out}, ${made.bytes} bytes`);
      }
      const { before, after, report, rounds, scores } = made;
      return {
        ...{ before, after, file: out, criterion: report?.criterion ?? criterion ?? "taylor" },
        groups: report?.groups ?? { removed: rounds?.reduce((sum, { removed }) => sum + removed, 0) },
        sparsity: 1 - after.parameters / before.parameters,
        ...(scores && { map50: scores.after.map50, map: scores.after.map, mapBefore: scores.before }),
        ...(report && { layers: report.layers }),
        ...(rounds && { rounds }),
      };
    } finally {
      stop?.release();
    }
  })(options);
});
