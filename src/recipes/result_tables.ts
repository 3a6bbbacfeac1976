/**
 * The result tables of a data set: every variant of the manifest is measured, then tables and plots are written.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openDataset } from "../data/open.ts";
import { adapterText, type Device, openSharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import { JournalFile, journalFile } from "../host/evaluation_file.ts";
import { checkPage, makeFolder, putTable, refuseWholeTables, VARIANTS_FILE, writeTable } from "../host/table_files.ts";
import { SEEDS_FILE } from "../host/seed_record.ts";
import { tuningFor } from "../host/tuning_store.ts";
import { loadVariant } from "../host/variant_model.ts";
import { NAMED_MODELS } from "../models/named.ts";
import {
  listVariants,
  type MeasureOptions,
  measureTable,
  readResults,
  renderBrief,
  type RunRecord,
  type TableResults,
  type Variant,
} from "../report/table/mod.ts";
import { predictedTimes } from "../report/table/predicted.ts";
import { seedVariants } from "../report/table/recipe.ts";
import { PUBLISHED_FAMILY, PUBLISHED_FAMILY_SIZE } from "../report/table/published.ts";
import type { JobQueue } from "../queue/job.ts";
import { openVariant } from "../report/table/count_variant.ts";
import { recordHeader } from "./bench/record.ts";
import { type AccuracyOptions, QueueAccuracy } from "./jobs/accuracy.ts";
import { recordedFigures, recordSeeds } from "./reproduce/record.ts";
import { openWorkshop, partFolder, resultsFolder, type WorkshopOptions } from "./reproduce/workshop.ts";

/** How tables are made. */
export interface ResultTableOptions
  extends
    Pick<MeasureOptions, "only" | "limit" | "latencyRuns" | "reading" | "say">,
    Pick<WorkshopOptions, "manifest" | "checkOptions"> {
  /** Scales of YOLO11 to time beside the variants of coco. */
  readonly family?: readonly string[];
  /**
   * Where to write. By default `data/results/` and the name of the data set, or of another manifest; tables of a part, with `only` or
   * `limit`, go to `tables/` of the cache.
   */
  readonly folder?: string;
  /** A page of Markdown that gets the table too, in brief, between the lines that `putTable` looks for; not of a part. */
  readonly into?: string;
  /** Workers of this queue measure mAP; times are measured here. Here, one variant after the other, by default. */
  readonly queue?: JobQueue;
  /** Folder in which models are looked for before all others. */
  readonly models?: string;
  /** Called after each picture, with the file that keeps what was evaluated. */
  readonly onPicture?: (...step: [...Parameters<NonNullable<MeasureOptions["onPicture"]>>, journal: string]) => void;
}

/** Tables, and the files that hold them. */
export type MadeTables = TableResults & { readonly files: readonly string[] };

/** Members of the family that are timed where nobody says: the larger ones take minutes on a software adapter. */
const USUAL_FAMILY = ["n", "s", "m"];

/** The members to time: published figures are of COCO at one input size, beside others they mean nothing. */
function familyOf(
  data: string,
  variants: readonly Variant[],
  asked: readonly string[] | undefined,
): NonNullable<MeasureOptions["family"]> {
  const size = variants.find(({ role }) => role === "original")!.size;
  if (data !== "coco" || size !== PUBLISHED_FAMILY_SIZE) {
    if (asked === undefined) return [];
    throw new FeatherdetError(
      `the family's mAP is published for coco at ${PUBLISHED_FAMILY_SIZE}, not for ${data} at ${size}`,
    );
  }
  return (asked ?? USUAL_FAMILY).map((scale) => {
    const model = `yolo11${scale}`;
    if (!Object.hasOwn(PUBLISHED_FAMILY, model)) {
      const scales = Object.keys(PUBLISHED_FAMILY).map((name) => name.replace("yolo11", ""));
      throw new FeatherdetError(`"${scale}" is no member of the family, expected some of ${scales.join(", ")}`);
    }
    return { model, size, build: () => NAMED_MODELS[model]({ size, batch: 1 }) };
  });
}

/**
 * Has workers of a queue begin with the mAP of all variants, each seed by itself, and returns who waits for them. Variants that cannot be
 * loaded are told of where they are measured.
 */
async function accuracyByQueue(
  queue: JobQueue,
  variants: readonly Variant[],
  load: MeasureOptions["load"],
  options: AccuracyOptions,
): Promise<MeasureOptions["accuracy"]> {
  const accuracy = new QueueAccuracy(queue, options);
  for (const { variant } of variants.flatMap((one) => seedVariants(one))) {
    const model = await openVariant(variant, { load });
    if (!("missing" in model)) await accuracy.submit(variant, model);
  }
  return (variant, model) => accuracy.measure(variant, model);
}

/** Journals of the variants, kept until the tables are written, so that an interrupted run continues where it stopped. */
class Journals {
  readonly #open = new Map<string, JournalFile>();

  constructor(private readonly folder: string) {}

  /** Where a variant's is. */
  file({ id }: Variant): string {
    return journalFile(join(this.folder, id));
  }

  /** The journal of a variant. */
  of(variant: Variant): JournalFile {
    const journal = new JournalFile(this.file(variant));
    this.#open.set(variant.id, journal);
    return journal;
  }

  /** Closes all; what they hold stays. */
  close(): void {
    for (const journal of this.#open.values()) journal.close();
  }

  /** Deletes all. */
  async remove(): Promise<void> {
    for (const journal of this.#open.values()) await journal.remove();
  }
}

async function runRecord({ adapter }: Device): Promise<RunRecord> {
  const { date, commit, machine, versions } = await recordHeader(adapter, "");
  return { date, commit, adapter, machine, versions };
}

/**
 * Writes the tables of a data set anew with what is predicted of its variants, without measuring anything: all other figures stay. Rows whose
 * files are not here keep what they had. Throws FeatherdetError where there are no tables yet.
 */
export async function predictInTables(
  data: string,
  { manifest = VARIANTS_FILE, checkOptions, folder = resultsFolder(data, manifest), models, say }: Pick<
    ResultTableOptions,
    "manifest" | "checkOptions" | "folder" | "models" | "say"
  >,
): Promise<MadeTables> {
  const results = await readResults(pathToFileURL(resolve(folder, "table.json")));
  const shop = await openWorkshop({ manifest, checkOptions, out: models, tables: folder });
  const variants = listVariants(shop.variants, data, manifest);
  const rows = await Promise.all(results.rows.map(async (row) => {
    const variant = variants.find(({ id }) => id === row.id);
    const [first] = variant === undefined ? [] : seedVariants(variant);
    const model = first && await loadVariant(first.variant, manifest, models);
    if (model === undefined || "missing" in model) {
      say?.(`${row.title}: not predicted, ${model?.missing ?? "it is not in the manifest"}`);
      return row;
    }
    return { ...row, predicted: predictedTimes(model.graph) };
  }));
  const made = { ...results, rows };
  return { files: await writeTable(folder, made), ...made };
}

/**
 * Measures the variants of a data set and writes tables and plots. An interrupted run continues where it stopped.
 *
 * Throws FeatherdetError for a data set or a manifest that cannot be read, an unknown member of the family, a folder that cannot be
 * written, and tables of a part that would replace those of all.
 */
export async function makeResultTables(
  data: string,
  options: ResultTableOptions,
): Promise<MadeTables> {
  const { manifest = VARIANTS_FILE, checkOptions, only, limit, latencyRuns, reading, say, onPicture, models, queue } =
    options;
  const isPart = only !== undefined || limit !== undefined, usual = resultsFolder(data, manifest);
  const { into, folder = isPart ? partFolder(data, manifest) : usual } = options;
  if (isPart) await refuseWholeTables(folder);
  if (into !== undefined && isPart) {
    throw new FeatherdetError("a page gets tables of all variants and pictures, these are of a part", { file: into });
  }
  if (into !== undefined) await checkPage(into);
  const shop = await openWorkshop({ manifest, checkOptions, out: models, tables: options.folder ?? usual });
  const variants = listVariants(shop.variants, data, manifest);
  const family = familyOf(data, variants, options.family);
  const dataset = await openDataset(data, { split: variants[0].split, limit });
  for (const warning of dataset.warnings) say?.(warning);
  await makeFolder(folder);
  const device = await openSharedDevice();
  say?.(`adapter: ${adapterText(device.adapter)}`);
  const journals = new Journals(folder);
  const load = (variant: Variant) => loadVariant(variant, manifest, models);
  const wanted = variants.filter(({ id }) => only === undefined || only.includes(id));
  const told = { data, split: variants[0].split, limit, reading, say, adapter: device.adapter.name };
  try {
    const accuracy = queue && await accuracyByQueue(queue, wanted, load, told);
    const measured = await measureTable(variants, {
      ...{ dataset, limit, only, family, latencyRuns, reading, say, load, accuracy },
      recorded(variant, seed, storage) {
        const { name, split = null, images } = dataset;
        return recordedFigures(shop, variant, seed, { data: name, split, images: images.length, storage });
      },
      detectorOptions: (precision) => Promise.resolve({ tuning: tuningFor(device, { precision }) }),
      journal: (variant) => journals.of(variant),
      onPicture: (...step) => onPicture?.(...step, journals.file(step[0])),
    });
    const { rows, file } = await recordSeeds(shop, measured, join(folder, SEEDS_FILE));
    const results = { ...measured, rows, run: await runRecord(device) };
    const page = into === undefined ? [] : [await putTable(into, renderBrief(results))];
    const files = [...await writeTable(folder, results), ...file ? [file] : [], ...page];
    await journals.remove();
    return { files, ...results };
  } finally {
    journals.close();
  }
}
