/**
 * Measures the variants of a data set: costs and accuracy of each, then the latency of all of them in turn, round by round, so that what
 * disturbs the machine disturbs all of them.
 *
 * @module
 */

import type { Dataset, DatasetImage } from "../../data/dataset.ts";
import type { DetectorOptions, Picture } from "../../detect/detector.ts";
import type { HeadOptions } from "../../detect/heads/form.ts";
import type { InputOptions } from "../../detect/picture_input.ts";
import { countCosts } from "../../eval/costs.ts";
import { COCO_SETTINGS } from "../../eval/evaluate.ts";
import type { EvaluationJournal } from "../../eval/journal.ts";
import { detectorEntrant, measureInRounds } from "../../eval/measure_rounds.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import type { Precision } from "../../engine/session.ts";
import { type CountedVariant, countVariant, detectorFor, openVariant } from "./count_variant.ts";
import type { MissingFigure } from "./figure.ts";
import { PUBLISHED_FAMILY } from "./published.ts";
import type { FamilyMember, ResultRow, SeedRow, TableResults } from "./results.ts";
import { timingOf } from "./timing.ts";
import type { Variant } from "./variant.ts";

/** A variant's model. */
export interface VariantModel {
  /** The model, for its input size and one picture a run. */
  readonly graph: Graph;
  /** Bytes of its file. For a built model, the bytes that it would have as ONNX are counted. */
  readonly fileBytes?: number;
  /** SHA-256 of its file. */
  readonly sha256?: string;
}

/** What a model finds on a data set, in 0..1; -1 where there is nothing to find. */
export interface ModelAccuracy {
  /** COCO's mAP, the mean over overlaps from 0.5 to 0.95. */
  readonly map: number;
  /** mAP at an overlap of 0.5. */
  readonly map50: number;
}

/** How to measure, and where models come from. */
export interface MeasureOptions {
  /** The data set, already limited if it is to be limited. */
  readonly dataset: Dataset;
  /** Number of pictures that the data set was limited to, if it was. */
  readonly limit?: number;
  /** Returns the model of a variant, or why there is none. Called once for accuracy and once for latency. */
  readonly load: (variant: Variant) => Promise<VariantModel | MissingFigure>;
  /** Device, tuning and so on for a precision; by default what `Detector.load` takes. */
  readonly detectorOptions?: (precision: Precision) => Promise<Pick<DetectorOptions, "device" | "tuning" | "storage">>;
  /** What inputs and outputs of all models mean, where a variant does not say it and no file can. */
  readonly reading?: HeadOptions & InputOptions;
  /**
   * Figures of a seed whose file is not there, if they were recorded of a file that the same recipe made, on the same pictures and with
   * activations in this form. Asked for further seeds only: the first one has to be there.
   */
  readonly recorded?: (
    variant: Variant,
    seed: number,
    storage: string,
  ) => Pick<SeedRow, "sha256" | "figures"> | undefined;
  /** Only the variants with these ids are measured. */
  readonly only?: readonly string[];
  /** Rounds in which the variants are timed in turn; 0 leaves times out. Default 20. */
  readonly latencyRuns?: number;
  /** Published models to time: their names in `PUBLISHED_FAMILY`, and how they are built. */
  readonly family?: readonly { readonly model: string; readonly size: number; readonly build: () => Graph }[];
  /** Rounds in which the members of the family are timed in turn. Default 3. */
  readonly familyRuns?: number;
  /** Keeps what was found for a variant while it is evaluated. */
  readonly journal?: (variant: Variant) => EvaluationJournal;
  /**
   * Measures a model's mAP on the data set somewhere else; `variant` says how it is read. Here, with `COCO_SETTINGS`, by default.
   * `undefined` leaves this one to be measured here.
   */
  readonly accuracy?: (variant: Variant, model: VariantModel) => Promise<ModelAccuracy | undefined>;
  /** Called with a line that says what begins. */
  readonly say?: (line: string) => void;
  /** Called after each picture of a variant with the number of pictures that are done. */
  readonly onPicture?: (variant: Variant, done: number, total: number, image: DatasetImage) => void;
}

/** The rows that were counted, timed in rounds beside the original, if that is among them; of several seeds the first file. */
async function timedRows(
  counted: readonly CountedVariant[],
  picture: Picture,
  options: MeasureOptions & { readonly latencyRuns: number },
): Promise<ResultRow[]> {
  const rows = counted.map(({ row }) => row);
  const present = counted.flatMap(({ timed }, i) => timed ? [i] : []);
  const original = present.findIndex((i) => rows[i].role === "original");
  const times = await measureInRounds(
    present.map((i) => async () => {
      const model = await openVariant(counted[i].timed!, options);
      if ("missing" in model) {
        throw new FeatherdetError(`has gone while it was measured: ${model.missing}`, { file: rows[i].id });
      }
      return detectorEntrant(await detectorFor(model.graph, counted[i].timed!, options), picture);
    }),
    {
      rounds: options.latencyRuns,
      ...(original >= 0 && { original }),
      onGroup: (members) => options.say?.(`latency of ${members.map((i) => rows[present[i]].title).join(", ")}`),
    },
  );
  return rows.map((row, i) => present.includes(i) ? { ...row, timing: timingOf(times[present.indexOf(i)]) } : row);
}

async function familyMembers(picture: Picture, options: MeasureOptions): Promise<FamilyMember[]> {
  const { family = [], familyRuns = 3, detectorOptions } = options, familyOptions = { detectorOptions };
  const times = await measureInRounds(
    family.map(({ build }) => async () =>
      detectorEntrant(await detectorFor(build(), { precision: "f32" }, familyOptions), picture)
    ),
    {
      rounds: familyRuns,
      onGroup: (members) => {
        options.say?.(`latency of ${members.map((i) => family[i].model).join(", ")} with random weights`);
      },
    },
  );
  return family.map(({ model, size, build }, i) => {
    const { fileBytes } = countCosts(build());
    return { model, size, fileBytes, publishedMap: PUBLISHED_FAMILY[model] / 100, timing: timingOf(times[i]) };
  });
}

function checkNames({ only = [], family = [] }: MeasureOptions, variants: readonly Variant[]): void {
  const unknown = only.find((id) => variants.every((variant) => variant.id !== id));
  if (unknown !== undefined) {
    throw new FeatherdetError(
      `no variant of this data set is called "${unknown}", there are: ${variants.map(({ id }) => id).join(", ")}`,
    );
  }
  const unpublished = family.find(({ model }) => !Object.hasOwn(PUBLISHED_FAMILY, model));
  if (unpublished) throw new FeatherdetError(`no mAP of "${unpublished.model}" is published`);
}

/**
 * Measures variants on a data set: costs, mAP with `COCO_SETTINGS`, and latency on its first picture with the usual settings of
 * detection. A variant whose model is missing becomes a row that says so; one with several seeds has their means and ranges.
 *
 * Throws FeatherdetError for ids and family members that do not exist, and for models that do not fit the data set (the message names the
 * variant).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { renderMarkdown } from "./markdown.ts";
 * import { measureTable } from "./measure.ts";
 * // A set without pictures, so that costs are all there is to measure; `openDataset("coco")` opens a large one.
 * const dataset = { name: "none", classes: ["a", "b", "c"], categoryIds: [1, 2, 3], images: [], warnings: [] };
 * const demo = {
 *   id: "demo", title: "demo detector", data: "none", role: "original", model: { name: "demo" },
 *   size: 96, precision: "f32", made: "built by the program",
 * } as const;
 * const load = async () => await { graph: demoDetector({ size: demo.size }) };
 * const results = await measureTable([demo], { dataset, load });
 * assert.match(renderMarkdown(results), /demo detector/);
 * ```
 */
export async function measureTable(variants: readonly Variant[], options: MeasureOptions): Promise<TableResults> {
  const { dataset, limit, latencyRuns = 20 } = options;
  checkNames(options, variants);
  const counted: CountedVariant[] = [];
  let storage: string | undefined;
  for (const variant of variants) {
    counted.push(await countVariant(variant, options, storage));
    storage ??= counted.at(-1)!.storage;
  }
  let rows: readonly ResultRow[] = counted.map(({ row }) => row);
  let family: readonly FamilyMember[] = [];
  if (latencyRuns > 0 && dataset.images.length > 0) {
    const picture = await dataset.images[0].load();
    rows = await timedRows(counted, picture, { ...options, latencyRuns });
    family = await familyMembers(picture, options);
  }
  return {
    schema: 1,
    data: dataset.name,
    split: dataset.split ?? null,
    images: dataset.images.length,
    // A set that is smaller than its limit was not limited.
    limit: dataset.images.length === limit ? limit : null,
    settings: COCO_SETTINGS,
    latencyRuns,
    storage: storage ?? null,
    rows,
    family,
  };
}
