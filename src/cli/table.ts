/**
 * `table`: measures the variants of a data set and writes the result tables and plots.
 *
 * @module
 */

import { VARIANTS_FILE } from "../host/table_files.ts";
import {
  type MadeTables,
  makeResultTables,
  predictInTables,
  type ResultTableOptions,
} from "../recipes/result_tables.ts";
import { renderMarkdown, type Variant } from "../report/table/mod.ts";
import { integerIn } from "./arguments.ts";
import { EvaluationProgress } from "./evaluation_progress.ts";
import { boxesOption, headOption, inputChannelsOption, inputRangeOption } from "./detection_options.ts";
import { openJobQueue } from "../queue/job_queue.ts";
import type { Output } from "./output.ts";
import { checkOptions } from "./step_verbs.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

/** Shows the variants one after the other. */
class VariantProgress {
  #current: { readonly id: string; readonly progress: EvaluationProgress } | undefined;

  constructor(private readonly output: Output) {}

  /** A picture of a variant is done. */
  step(variant: Variant, done: number, total: number, { name }: { readonly name: string }, journal: string): void {
    if (this.#current?.id !== variant.id) {
      this.stop();
      this.#current = { id: variant.id, progress: new EvaluationProgress(this.output, journal) };
    }
    this.#current.progress.step(done, total, name);
    if (done === total) this.stop();
  }

  /** Takes the bar off. */
  stop(): void {
    this.#current?.progress.stop();
  }
}

/** A verb that writes tables, with the options that say of what and how they are measured. */
export function tablesVerb(name: string, summary: string, example: string) {
  return deviceVerb(name, summary, example)
    .requiredOption("--data <set>", "data set of the variants: synthetic, bccd, coco, or as the manifest has it")
    .option("--manifest <file>", "list of the variants", VARIANTS_FILE)
    .option(
      "--limit <number>",
      "a quick look at the first so many pictures, which the tables say; they go to .cache/tables/",
      integerIn(1, 2 ** 31 - 1),
    )
    .option("--no-latency", "leave times out")
    .option("--runs <number>", "rounds in which the variants are timed in turn", integerIn(1, 10_000), 20)
    .option(
      "--into <page>",
      'a page of Markdown that gets the table too, in brief, between "<!-- table -->" and its end',
    )
    .option(
      "--queue <url>",
      "let workers of this queue do what they can: deno task worker --queue URL, see deno task queue",
    )
    .option("--family <sizes...>", "published models to time beside the variants of coco: n s m l x (default: n s m)");
}

/** What the options of `tablesVerb` stand for, with progress that is shown while `run` makes the tables. */
export async function withTableProgress<Result>(
  { limit, latency, runs, family, into }: {
    limit?: number;
    latency: boolean;
    runs: number;
    family?: readonly string[];
    into?: string;
  },
  output: Output,
  run: (options: ResultTableOptions) => Promise<Result>,
): Promise<Result> {
  const progress = new VariantProgress(output);
  try {
    return await run({
      ...{ limit, latencyRuns: latency ? runs : 0, family, into },
      say: (line) => output.note(line),
      onPicture: (...step) => progress.step(...step),
    });
  } finally {
    progress.stop();
  }
}

/** Prints tables and says where their files are. */
export function tellTables({ files, ...results }: MadeTables, output: Output): void {
  output.line(renderMarkdown(results).trimEnd());
  for (const file of files) output.note(`written: ${file}`);
}

/** The verb `table`. */
export const tableVerb = tablesVerb(
  "table",
  "Measure the variants of a data set and write the result tables and plots.",
  "deno task table --data coco",
)
  .option(
    "--variant <ids...>",
    "measure only these; the others are shown as left out, and the tables go to .cache/tables/",
  )
  .addOption(headOption())
  .addOption(boxesOption())
  .addOption(inputRangeOption())
  .addOption(inputChannelsOption())
  .option(
    "--predict",
    "measure nothing: add what is predicted of devices that are not here to the tables that are there",
  )
  .option(
    "--out <folder>",
    "where to write: data/results/ and the name of the data set, or of another manifest, by default; no folder with tables of " +
      "all variants and pictures gets those of a part",
  )
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { predict } = settings;
      const { data, manifest, variant: only, out: folder, head, boxes, inputRange, inputChannels } = settings;
      // A variant's own word in the manifest counts more.
      const reading = { head, boxes, inputRange, inputChannels };
      if (predict) {
        const say = (line: string) => output.note(line);
        const predicted = await predictInTables(data, { manifest, checkOptions, folder, say });
        tellTables(predicted, output);
        return predicted;
      }
      await using queue = settings.queue === undefined ? undefined : await openJobQueue(settings.queue);
      if (queue) output.note(`workers measure mAP: deno task worker --queue ${queue.where}`);
      const made = await withTableProgress(
        settings,
        output,
        (how) => makeResultTables(data, { ...how, manifest, checkOptions, only, folder, reading, queue }),
      );
      tellTables(made, output);
      return made;
    })(options);
  });
