/**
 * `prune`: removes the layers and channels that are worth least until a budget is met, or sets the least weights to zero, and trains what is left in
 * rounds if asked to.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { SparsifyRound } from "../recipes/prune/mask_finetune.ts";
import type { PruneRound } from "../recipes/prune/prune_finetune.ts";
import { queueWidthMeter } from "../recipes/jobs/score_widths.ts";
import type { PruneOnOptions } from "../recipes/prune/one_shot.ts";
import { type PrunedModel, pruneModel, sparsifyModel } from "../recipes/prune/prune_model.ts";
import { flagOf } from "../report/table/recipe_text.ts";
import type { EpochRecord } from "../train/loop/record.ts";
import type { JobQueue } from "../queue/job.ts";
import { openJobQueue } from "../queue/job_queue.ts";
import type { Output } from "./output.ts";
import {
  budgetOf,
  layerMeterOf,
  picturesOf,
  pruneCommand,
  type PruneSettings,
  setsZeros,
  trainingOf,
} from "./prune_options.ts";
import { layerTable, roundText, shareText, zerosRoundText, zerosTable, zerosText } from "./prune_text.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { TrainProgress } from "./train_progress.ts";
import { deviceAction } from "./verb.ts";

/** Progress and stopping of a job, the same whatever is cut. */
async function withProgress<Result extends { readonly reason: string }>(
  output: Output,
  training: ReturnType<typeof trainingOf>,
  run: (how: { signal: AbortSignal; onEpoch: (record: EpochRecord) => void } | undefined) => Promise<Result>,
): Promise<Result> {
  const stop = training && stopSignal(output);
  const progress = new TrainProgress(output);
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

/** Candidates that workers score at the same time where nobody says. */
const TOGETHER = 4;

/** Has workers of a queue score candidates. Throws FeatherdetError for pictures that they would see otherwise. */
function byWorkers(
  { data, split, limit, together = TOGETHER, firstPixel }: PruneSettings,
  queue: JobQueue,
): Pick<PruneOnOptions, "widthMeter" | "together"> {
  if (firstPixel !== undefined) throw new FeatherdetError("--first-pixel is not known to workers: leave --queue out");
  // Without a data set it is refused before anything is scored.
  return { together, widthMeter: queueWidthMeter(queue, { data: data ?? "", split: split ?? "train", limit }) };
}

async function removeChannels(settings: PruneSettings, output: Output) {
  const budget = budgetOf(settings), training = trainingOf(settings);
  const { model, out, size, criterion, reduction, normalisation, ranking, per, multiple, floor, keep } = settings;
  const { method, proxy, times, refit, layers } = settings;
  if (method === undefined || method === "criterion") {
    const useless = (["proxy", "queue", "together"] as const)
      .find((name) => settings[name] !== undefined && !(name === "proxy" && layers !== undefined));
    if (useless) {
      throw new FeatherdetError(
        `${flagOf(useless)} is for methods that score candidates: give --method knapsack, netadapt or a search`,
      );
    }
  } else {
    const useless = (["ranking", "per"] as const).find((name) => settings[name] !== undefined);
    if (useless) {
      throw new FeatherdetError(`${flagOf(useless)} is for widths by the criterion, not for --method ${method}`);
    }
  }
  await using queue = settings.queue === undefined ? undefined : await openJobQueue(settings.queue);
  if (queue) output.note(`workers score candidates: deno task worker --queue ${queue.where}`);
  const meter = await layerMeterOf(settings);
  const made = await withProgress(output, training, (how) =>
    pruneModel({
      together: settings.together,
      ...(queue && byWorkers(settings, queue)),
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
      ...{ method, proxy, times, refit, layers, ...meter, onChoosing: (what: string) => output.note(what) },
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
  const { before, after, report, rounds, reason } = made;
  return {
    ...{ reason, before, after, file: out, criterion: report?.criterion ?? criterion ?? "taylor" },
    groups: report?.groups,
    ...(report?.shortened && { shortened: report.shortened }),
    sparsity: 1 - after.parameters / before.parameters,
    ...figures(made),
    ...(report && { layers: report.layers }),
    ...(rounds && { rounds }),
  };
}

async function setZeros(settings: PruneSettings, output: Output) {
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
  const { before, after, report, rounds, reason } = made;
  if (made.reason === "finished") {
    for (const line of zerosTable(report!)) output.line(line);
    output.line(zerosText(made));
    output.line(`written to ${out}, ${made.bytes} bytes`);
  }
  return {
    ...{ reason, before, after, file: out, pattern: pattern ?? "unstructured", sparsity: report?.sparsity },
    ...{ zeros: report?.zeros, elements: report?.elements },
    ...figures(made),
    ...(report && { layers: report.layers }),
    ...(rounds && { rounds }),
  };
}

/** Prunes as it was asked for: what `--json` prints. Ctrl-C stops training, from where the same options go on. */
export async function runPrune(settings: PruneSettings, output: Output): Promise<{ readonly reason: string }> {
  return await (setsZeros(settings) ? setZeros(settings, output) : removeChannels(settings, output));
}

/** The verb `prune`. */
export const pruneVerb = pruneCommand().action(async (options) => {
  await deviceAction<typeof options>(runPrune)(options);
});
