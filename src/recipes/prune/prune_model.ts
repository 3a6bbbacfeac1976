/**
 * Pruning from file to file: of channels, or of weights that become zero.
 *
 * @module
 */

import { costsOf, type MaskReport, type PruneReport } from "../../compress/prune/mod.ts";
import {
  sparsify,
  sparsifyAndTrain,
  type SparsifyFinetuneOptions,
  type SparsifyOptions,
  type ToldZeros,
} from "./mask_finetune.ts";
import { createDiskMemo } from "../../host/meter_memo.ts";
import { type FolderTraining, type ModelFileOptions, type ModelFileResult, pruneFile } from "./model_file.ts";
import { pruneOn, type PruneOnOptions } from "./one_shot.ts";
import { pruneAndTrain, type PruneFinetuneOptions, type ToldCut } from "./prune_finetune.ts";
import { reportOf } from "./report.ts";

/** What the job gives to training itself. */
type Given = "validation" | "storeOf" | "tuning" | "variants" | "watch";

/** What is pruned, and how. */
export interface PruneModelOptions extends PruneOnOptions, Omit<ModelFileOptions, "dense"> {
  /** Training between and after cuts; absent for one cut without training. */
  readonly training?: Omit<PruneFinetuneOptions, keyof PruneOnOptions | Given> & FolderTraining;
}

/** What was made. */
export type PrunedModel = ModelFileResult<PruneReport, ToldCut>;

/** Prunes a model and writes the file whole. Throws FeatherdetError as `pruneFile`, `pruneOn` and `pruneAndTrain` do. */
export async function pruneModel(given: PruneModelOptions): Promise<PrunedModel> {
  const options = { ...given, memo: given.memo ?? createDiskMemo() };
  return await pruneFile({ ...options, dense: true }, {
    async once(source, pictures) {
      const { graph, report } = await pruneOn(source, pictures, options);
      return { graph, report, before: report.before, after: report.after };
    },
    async inRounds(source, pictures, rest) {
      const { folder: _, plots: __, ...how } = options.training!;
      const result = await pruneAndTrain(source, pictures, { ...options, ...how, ...rest });
      if (result.reason === "interrupted") return result;
      const report = await reportOf(source, result.model, options);
      return { ...result, report, before: report.before, after: report.after };
    },
  });
}

/** Which weights become zero, and how. */
export interface SparsifyModelOptions extends SparsifyOptions, ModelFileOptions {
  /** Training between and after cuts; absent for one cut without training. */
  readonly training?: Omit<SparsifyFinetuneOptions, keyof SparsifyOptions | Given> & FolderTraining;
}

/** What was made. */
export type SparsifiedModel = ModelFileResult<MaskReport, ToldZeros>;

/** Sets weights of a model to zero and writes the file whole. Throws FeatherdetError as `pruneFile`, `sparsify` and `sparsifyAndTrain` do. */
export async function sparsifyModel(options: SparsifyModelOptions): Promise<SparsifiedModel> {
  return await pruneFile(options, {
    async once(source, pictures) {
      const { graph, report } = await sparsify(source, pictures, options);
      const costs = costsOf(graph);
      return { graph, report, before: costs, after: costs };
    },
    inRounds(source, pictures, given) {
      const { folder: _, plots: __, ...how } = options.training!;
      return sparsifyAndTrain(source, pictures, { ...options, ...how, ...given });
    },
  });
}
