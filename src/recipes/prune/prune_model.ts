/**
 * Pruning from file to file: load, cut, perhaps train in rounds, measure, write.
 *
 * @module
 */

import { costsOf, type PruneReport } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { openTrainingPart, openValidationPart } from "../../data/parts.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { createDiskMemo } from "../../host/meter_memo.ts";
import { loadModel, refuseSource } from "../../host/models.ts";
import { checkFolder, folderStore } from "../../host/run_folder.ts";
import { tuningFor } from "../../host/tuning_store.ts";
import { checkTarget, writeWhole } from "../../host/whole_file.ts";
import { saveOnnx } from "../../onnx/mod.ts";
import type { Score } from "../../train/loop/record.ts";
import { cut, type CutOptions } from "./one_shot.ts";
import { pruneAndTrain, type PruneFinetuneOptions, type PruneRound } from "./prune_finetune.ts";
import { validate } from "./validate.ts";

/** What is pruned, and how. */
export interface PruneModelOptions extends CutOptions {
  /** Name, ONNX file or URL. */
  readonly model: string;
  /** ONNX file to write. */
  readonly out: string;
  /** Side of the input; the model's own by default. */
  readonly size?: number;
  /** Pictures: a name or a folder. Without them, channels are scored by weights alone. */
  readonly data?: string;
  /** Training between and after cuts; absent for one cut without training. */
  readonly training?:
    & Omit<PruneFinetuneOptions, keyof CutOptions | "validation" | "storeOf" | "tuning">
    & { readonly folder: string };
  /** A line for people. */
  readonly say?: (line: string) => void;
}

/** What was made. */
export interface PrunedModel {
  readonly graph: Graph;
  /** Costs before and after. */
  readonly before: PruneReport["before"];
  readonly after: PruneReport["before"];
  /** What became of every layer; absent where there were several rounds. */
  readonly report?: PruneReport;
  /** Rounds of pruning and training. */
  readonly rounds?: readonly PruneRound[];
  /** Figures on the validation pictures, before and after; absent without pictures. */
  readonly scores?: { readonly before: Score; readonly after: Score };
  /** Bytes of the file. */
  readonly bytes: number;
  /** Why it ended; after an interruption no file is written. */
  readonly reason: "finished" | "interrupted";
}

async function openPictures(data: string): Promise<{ training: Dataset; validation?: Dataset }> {
  const training = await openTrainingPart(data);
  return { training, validation: await openValidationPart(data, training) };
}

/**
 * Prunes a model and writes the file whole. Throws FeatherdetError for a model that cannot be loaded, a file that cannot be written or is
 * the model itself, training without pictures to validate on, and as `cut` and `pruneAndTrain` do.
 */
export async function pruneModel(options: PruneModelOptions): Promise<PrunedModel> {
  const { model, out, size, data, training, say } = options;
  checkTarget(out);
  refuseSource(model, out);
  if (training) checkFolder(training.folder);
  const source = await loadModel(model, { size, batch: 1 });
  const pictures = data === undefined ? undefined : await openPictures(data);
  for (const warning of pictures?.training.warnings ?? []) say?.(warning);
  const tuning = data === undefined ? undefined : tuningFor(await openSharedDevice(), {});
  const how: CutOptions = { ...options, memo: options.memo ?? createDiskMemo() };
  const write = async (graph: Graph) => {
    const bytes = saveOnnx(graph);
    await writeWhole(out, bytes);
    return bytes.length;
  };
  if (training) {
    if (!pictures?.validation) {
      throw new FeatherdetError("training after a cut needs pictures to validate on: name --data");
    }
    const { folder, ...rounds } = training;
    const result = await pruneAndTrain(source, pictures.training, {
      ...how,
      ...rounds,
      ...{ validation: pictures.validation, tuning },
      storeOf: (name) => folderStore(name === "" ? folder : `${folder}/${name}`),
    });
    const last = result.rounds.at(-1), before = result.before, latency = last?.left.latency;
    const after = { ...costsOf(result.model), ...(latency !== undefined && { latency }) };
    const scores = { before: result.scoreBefore, after: last?.score ?? last?.afterCut ?? result.scoreBefore };
    const bytes = result.reason === "finished" ? await write(result.model) : 0;
    return { graph: result.model, before, after, rounds: result.rounds, scores, bytes, reason: result.reason };
  }
  const { graph, report } = await cut(source, pictures?.training, how);
  const scores = pictures?.validation && {
    before: await validate(source, pictures.validation, { tuning }),
    after: await validate(graph, pictures.validation, { tuning }),
  };
  const { before, after } = report;
  return { graph, before, after, report, scores, bytes: await write(graph), reason: "finished" };
}
