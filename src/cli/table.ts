/**
 * `table`: measures the variants of a data set and writes the result tables and plots.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { recordHeader } from "../recipes/bench/record.ts";
import { openDataset } from "../data/open.ts";
import { type Device, sharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import { NAMED_MODELS } from "../models/named.ts";
import {
  type MeasureOptions,
  measureTable,
  renderMarkdown,
  type RunRecord,
  type Variant,
} from "../report/table/mod.ts";
import { PUBLISHED_FAMILY, PUBLISHED_FAMILY_SIZE } from "../report/table/published.ts";
import type { Precision } from "../engine/session.ts";
import { storageForm } from "../engine/setup.ts";
import { integerIn } from "./arguments.ts";
import { JournalFile, journalFile } from "../host/evaluation_file.ts";
import { EvaluationProgress } from "./evaluation_progress.ts";
import type { Output } from "./output.ts";
import { makeFolder, readVariants, writeTable } from "../host/table_files.ts";
import { readTuning } from "../host/tuning_store.ts";
import { loadVariant } from "../host/variant_model.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

const MANIFEST = fileURLToPath(new URL("../../data/variants.json", import.meta.url));

const RESULTS = fileURLToPath(new URL("../../data/results/", import.meta.url));

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

/** Journals of the variants, kept until the tables are written, so that a run that is interrupted goes on where it stopped. */
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
  const { date, commit, machine, versions } = await recordHeader(adapter, "", {}, Deno.loadavg()[0]);
  return { date, commit, adapter, machine, versions };
}

function detectorOptions(device: Device, precision: Precision) {
  const key = { adapter: device.adapter.name, ...storageForm(device, { precision }) };
  return Promise.resolve({ tuning: readTuning(key) });
}

/** Shows the variants one after the other. */
function pictureProgress(output: Output, journals: Journals) {
  let current: { id: string; progress: EvaluationProgress } | undefined;
  const stop = () => current?.progress.stop();
  const onPicture: MeasureOptions["onPicture"] = (variant, done, total, { name }) => {
    if (current?.id !== variant.id) {
      stop();
      current = { id: variant.id, progress: new EvaluationProgress(output, journals.file(variant)) };
    }
    current.progress.step(done, total, name);
    if (done === total) stop();
  };
  return { onPicture, stop };
}

/** The verb `table`. */
export const tableVerb = deviceVerb(
  "table",
  "Measure the variants of a data set and write the result tables and plots.",
  "deno task table --data coco",
)
  .requiredOption("--data <set>", "data set of the variants: synthetic, bccd, coco, or as the manifest has it")
  .option("--manifest <file>", "list of the variants", MANIFEST)
  .option("--variant <ids...>", "measure only these; the others are shown as left out")
  .option(
    "--limit <number>",
    "a quick look at the first so many pictures, which the tables then say",
    integerIn(1, 2 ** 31 - 1),
  )
  .option("--no-latency", "leave times out")
  .option("--runs <number>", "samples of each time", integerIn(1, 10_000), 20)
  .option("--family <sizes...>", "published models to time beside the variants of coco: n s m l x (default: n s m)")
  .option("--out <folder>", "where to write, data/results/ and the data set's name by default")
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { data, manifest, variant: only, limit, latency, runs, out } = settings;
      const variants = await readVariants(manifest, data);
      const family = familyOf(data, variants, settings.family);
      const dataset = await openDataset(data, { split: variants[0].split, limit });
      for (const warning of dataset.warnings) output.note(warning);
      const folder = out ?? join(RESULTS, dataset.name);
      await makeFolder(folder);
      const device = await sharedDevice();
      const { name, software } = device.adapter;
      output.note(`adapter: ${name}${software ? " (software)" : ""}`);
      const journals = new Journals(folder);
      const { onPicture, stop } = pictureProgress(output, journals);
      try {
        const measured = await measureTable(variants, {
          dataset,
          limit,
          only,
          family,
          latencyRuns: latency ? runs : 0,
          load: (variant) => loadVariant(variant, manifest),
          detectorOptions: (precision) => detectorOptions(device, precision),
          journal: (variant) => journals.of(variant),
          say: (line) => output.note(line),
          onPicture,
        });
        const results = { ...measured, run: await runRecord(device) };
        const files = await writeTable(folder, results);
        await journals.remove();
        output.line(renderMarkdown(results).trimEnd());
        for (const file of files) output.note(`written: ${file}`);
        return { files, ...results };
      } finally {
        stop();
        journals.close();
      }
    })(options);
  });
