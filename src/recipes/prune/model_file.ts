/**
 * Pruning from file to file, whatever is cut: load, cut, perhaps train in rounds, measure, write.
 *
 * @module
 */

import { costsOf, type PruneCosts } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { openTrainingPart, openValidationPart, type PartOptions } from "../../data/parts.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { loadModel, refuseSource } from "../../host/models.ts";
import { checkFolder, folderStore, lockRun } from "../../host/run_folder.ts";
import { tuningFor } from "../../host/tuning_store.ts";
import { checkTarget, writeWhole } from "../../host/whole_file.ts";
import { saveOnnx } from "../../onnx/mod.ts";
import type { Score } from "../../train/loop/record.ts";
import { type DistilRequest, loadTeacher, teacherVariants } from "../distill/teacher.ts";
import { drawRun } from "../run_pictures.ts";
import type { RoundFigures, RoundOptions, RoundsResult } from "./rounds.ts";
import { refuseOtherHead, withUsualInput } from "../trainable.ts";
import { validate } from "./validate.ts";

/** Where rounds are trained, and who teaches. */
export interface FolderTraining extends DistilRequest {
  readonly folder: string;
  /** False: no pictures of labels, batches and what is found in the folders of the rounds; true by default. */
  readonly plots?: boolean;
  /** Of the first weights that a teacher needs; 0 by default. */
  readonly seed?: number;
}

/** Files and pictures of a job. */
export interface ModelFileOptions {
  /** Name, ONNX file or URL. */
  readonly model: string;
  /** ONNX file to write. */
  readonly out: string;
  /** Side of the input; the model's own by default. */
  readonly size?: number;
  /** Pictures: a name or a folder. Without them, weights alone decide. */
  readonly data?: string;
  /** Which of them are looked at and trained on, and how many; all of `train` by default. */
  readonly trained?: PartOptions;
  /** Which of them figures are of, and how many; all of `val` by default. */
  readonly validated?: PartOptions;
  /** Training between and after cuts, in this folder, perhaps with a teacher; absent for one cut without training. */
  readonly training?: FolderTraining;
  /** Zeros take bytes in the file like other numbers, as every program reads it. */
  readonly dense?: boolean;
  /** A line for people. */
  readonly say?: (line: string) => void;
}

/** What was made. */
export interface ModelFileResult<Report, Round> {
  readonly graph: Graph;
  /** Costs before and after. */
  readonly before: PruneCosts;
  readonly after: PruneCosts;
  /** What became of every layer. */
  readonly report?: Report;
  /** Rounds of pruning and training. */
  readonly rounds?: readonly (Round & RoundFigures)[];
  /** Figures on the validation pictures, before and after; absent without pictures. */
  readonly scores?: { readonly before: Score; readonly after: Score };
  /** Bytes of the file. */
  readonly bytes: number;
  /** Why it ended; after an interruption no file is written. */
  readonly reason: "finished" | "interrupted";
}

/** What is done to the model. */
export interface ModelFileJob<Report, Round> {
  /** One cut. */
  once(source: Graph, pictures: Dataset | undefined): Promise<
    { readonly graph: Graph; readonly before: PruneCosts; readonly after: PruneCosts; readonly report: Report }
  >;
  /** Cuts and training. */
  inRounds(
    source: Graph,
    pictures: Dataset,
    how: Pick<RoundOptions, "validation" | "tuning" | "storeOf" | "variants" | "watch">,
  ): Promise<RoundsResult<Round> & { readonly report?: Report; readonly after?: PruneCosts }>;
}

async function openPictures(
  data: string,
  { trained, validated }: Pick<ModelFileOptions, "trained" | "validated">,
): Promise<{ training: Dataset; validation?: Dataset }> {
  const training = await openTrainingPart(data, trained);
  return { training, validation: await openValidationPart(data, training, validated) };
}

/**
 * Loads a model, does the job and writes the file whole. Throws FeatherdetError for a model that cannot be loaded, a file that cannot be
 * written or is the model itself, training without pictures to validate on, and as the job does.
 */
export async function pruneFile<Report, Round>(
  { model, out, size, data, trained, validated, training, dense = false, say }: ModelFileOptions,
  job: ModelFileJob<Report, Round>,
): Promise<ModelFileResult<Report, Round>> {
  checkTarget(out);
  refuseSource(model, out);
  if (training) checkFolder(training.folder);
  const loaded = await loadModel(model, { size, batch: 1 });
  // Weights alone are pruned in whatever takes whatever.
  const source = data === undefined ? loaded : withUsualInput(loaded, (line) => say?.(line));
  if (training) {
    refuseOtherHead({ ...source, name: model }, "cannot be trained after a cut", "; without --epochs it is cut alone");
  }
  const pictures = data === undefined ? undefined : await openPictures(data, { trained, validated });
  for (const warning of pictures?.training.warnings ?? []) say?.(warning);
  const tuning = data === undefined ? undefined : tuningFor(await openSharedDevice(), {});
  const write = async (graph: Graph) => {
    const bytes = saveOnnx(graph, { sparse: !dense });
    await writeWhole(out, bytes);
    return bytes.length;
  };
  if (training) {
    if (!pictures?.validation) {
      throw new FeatherdetError("training after a cut needs pictures to validate on: name --data");
    }
    const { folder, plots } = training, { training: dataset, validation } = pictures;
    await folderStore(folder);
    using _ = lockRun(folder);
    const { shape } = source.inputs[0], teacher = await loadTeacher(training, shape);
    const result = await job.inRounds(source, pictures.training, {
      ...{
        validation: pictures.validation,
        tuning,
        variants: teacherVariants(teacher, training, shape, training.seed),
      },
      storeOf: (name) => folderStore(name === "" ? folder : `${folder}/${name}`),
      watch: async (store, round, { inputs: [{ shape: [, , height, width] }] }) => {
        if (plots === false) return {};
        const title = `${source.name} on ${dataset.name}, round ${round}`, size = [height, width] as const;
        return await drawRun({ store, dataset, validation, size, title, say: (line) => say?.(line) });
      },
    });
    const { model: graph, before, rounds, scoreBefore, report, reason } = result;
    const after = result.after ?? costsOf(graph);
    const last = rounds.at(-1), scores = { before: scoreBefore, after: last?.score ?? last?.afterCut ?? scoreBefore };
    const bytes = reason === "finished" ? await write(graph) : 0;
    return { graph, before, after, report, rounds, scores, bytes, reason };
  }
  const { graph, before, after, report } = await job.once(source, pictures?.training);
  const scores = pictures?.validation && {
    before: await validate(source, pictures.validation, { tuning }),
    after: await validate(graph, pictures.validation, { tuning }),
  };
  return { graph, before, after, report, scores, bytes: await write(graph), reason: "finished" };
}
