/**
 * `compress`: from a model, a data set and targets to a model that meets them, by a ladder of recipes.
 *
 * @module
 */

import { adapterText, openSharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import { makeFolder } from "../host/table_files.ts";
import { openJobQueue } from "../queue/job_queue.ts";
import { compress, type CompressedCandidate, type Compression } from "../recipes/compress/compress.ts";
import type { PlannedCandidate } from "../recipes/compress/plan.ts";
import { againCommand, type ExportedModel, verdict, writeReport } from "../recipes/compress/report.ts";
import { TARGET_NAMES } from "../recipes/export/targets.ts";
import { makeByQueue } from "../recipes/jobs/make.ts";
import { join } from "node:path";
import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { integerIn, numberIn } from "./arguments.ts";
import type { Output } from "./output.ts";
import { timeText } from "./reproduce.ts";
import { checkOptions, readyExport, readyVerb } from "./step_verbs.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { action, deviceAction, deviceVerb } from "./verb.ts";

const EXAMPLE = `deno task compress --model bccd --data bccd --target map50=0.98 --target gflops=0.25 --out small
  deno task compress --model bccd --data bccd --target map50=0.98 --target latency=0.3@jetson-orin-nano --out small --dry-run`;

const MORE = `
Targets are shares of the model's own figures: map50, map (at least), gflops, bytes, parameters, latency (at most).
With abs: they are the figures themselves: gflops=abs:1.2, bytes=abs:800000, latency=abs:12@jetson-nano. Latency of a
device that is not here is predicted, without a device it is measured. Candidates are the recipes of data/ladder.json,
the one that takes least time first; the split val judges, figures of test are told once at the end. Stopped or killed
anywhere, the same command goes on.`;

const percent = (share: number) => share.toFixed(3);

/** The plan in lines. */
function planText(plan: readonly PlannedCandidate[]): string[] {
  return plan.map(({ title, size, seconds, expected: { gflops, bytes }, action, why }) => {
    if (action === "skip") return `left out: ${title}: ${why}`;
    if (action === "made") return `made: ${title}`;
    return `${title} at ${size}: about ${timeText(seconds)}, to have ${percent(gflops)} of the GFLOPs and ${
      percent(bytes)
    } of the bytes`;
  });
}

/** A model that was measured, in a line. */
function measuredText({ title, shares, figures, unmet, id }: CompressedCandidate): string {
  const names = Object.keys(figures).filter((name) => name !== "parameters");
  const text = names.map((name) =>
    id === "original" ? `${name} ${figures[name]!.toPrecision(4)}` : `${name} ${percent(shares[name])}`
  );
  const state = id === "original" ? "" : unmet.length === 0 ? ": meets all targets" : `: misses ${unmet.join(", ")}`;
  return `${title}: ${text.join(", ")}${state}`;
}

/** Exports the chosen model. A runtime that does not take it is no reason to fail. */
async function exportChosen({ models, chosen }: Compression, targets: readonly string[], out: string, output: Output) {
  const model = models.find(({ id }) => id === chosen), exports: ExportedModel[] = [];
  if (!model) return exports;
  await makeFolder(join(out, "exports"));
  for (const target of targets) {
    const file = join(out, "exports", `${model.id}-${target}.onnx`);
    const words = ["--model", model.file, "--target", target, "--size", String(model.size), "--out", file];
    try {
      await readyExport(words)(output);
      exports.push({ target, file });
    } catch (error) {
      if (!(error instanceof FeatherdetError)) throw error;
      exports.push({ target, fault: error.message });
      output.note(`warning: no file for ${target}: ${error.message}`);
    }
  }
  return exports;
}

/** The verb `compress`. */
export const compressModelVerb = deviceVerb(
  "compress",
  "Make a model that meets targets: the first candidate of a ladder of recipes that does, or the front of all.",
  EXAMPLE,
)
  .requiredOption("--model <model>", "ONNX file, or the name of one that is here")
  .requiredOption("--data <set>", "pictures: synthetic, bccd, coco, a folder, or its data.yaml")
  .requiredOption(
    "--target <target>",
    "what the model has to be, such as map50=0.98; may be repeated",
    (text: string, before: string[] | undefined) => [...before ?? [], text],
  )
  .requiredOption("--out <folder>", "folder for models, runs, exports and the report")
  .option("--split <name>", "part of the data set that judges", "val")
  .option("--test-split <name>", "part that nothing is chosen by; test by default where there is one")
  .option(
    "--hours <number>",
    "what all calls together may take; what would take longer is not begun",
    numberIn(0.001, 1e6),
  )
  .option("--effort <factor>", "factor on numbers of epochs", numberIn(0.001, 100), 1)
  .option("--limit <number>", "a quick look at the first so many pictures of each part", integerIn(1, 2 ** 31 - 1))
  .option("--all", "make every candidate, whatever meets the targets")
  .addOption(
    new Option("--export <targets...>", "runtimes that the chosen model is written for; ort by default").choices(
      TARGET_NAMES,
    ),
  )
  .option("--seed <number>", "equal seeds give equal models", integerIn(0, 2 ** 31 - 1), 0)
  .option("--ladder <file>", "candidates; data/ladder.json by default")
  .option("--dry-run", "say what would be made, in which order, and how long it takes")
  .option(
    "--queue <url>",
    "let workers of this queue make the candidates, all at the same time (deno task worker --queue URL)",
  )
  .addHelpText("after", MORE)
  .action(async (options) => {
    const run = async (settings: typeof options, output: Output) => {
      const { model, data, target, out, export: exported = ["ort"], dryRun, ...more } = settings;
      const { split, testSplit, hours, effort, limit, all, seed, ladder } = more;
      await using queue = settings.queue === undefined || dryRun ? undefined : await openJobQueue(settings.queue);
      if (queue) output.note(`workers make the candidates: deno task worker --queue ${queue.where}`);
      const stop = dryRun ? undefined : stopSignal(output, "stopping where nothing is lost");
      try {
        const made = await compress({
          ...{ model, data, targets: target, out, split, testSplit, hours, effort, limit, all, seed, ladder, dryRun },
          ...{ checkOptions, signal: stop?.signal, run: (verb, words) => readyVerb(verb, words)(output) },
          ...(queue && { elsewhere: (...job) => makeByQueue(queue, ...job) }),
          say: (line) => output.note(line),
          onPlan(plan) {
            for (const line of planText(plan)) dryRun ? output.line(line) : output.note(line);
          },
          onCandidate: ({ title, seconds }, remaining) =>
            output.note(`\nmaking ${title}: about ${timeText(seconds)}; all that may follow ${timeText(remaining)}`),
          onMeasured: (one) => output.note(measuredText(one)),
        });
        const { reason, chosen, models, plan, tested, spent, manifest } = made;
        const json = { reason, chosen, plan, tested, spent, manifest };
        if (reason === "dry run") return { ...json, models: [], table: null };
        if (reason === "interrupted") {
          output.note("interrupted: the same command goes on");
          Deno.exitCode = INTERRUPTED;
          return { ...json, models, table: null };
        }
        const exports = await exportChosen(made, exported, out, output);
        const adapter = adapterText((await openSharedDevice()).adapter);
        const files = await writeReport(made, { folder: out, data, exports, adapter });
        output.line(verdict(made));
        for (const file of files) output.note(`written: ${file}`);
        if (chosen !== null) output.note(`again: ${againCommand(chosen, made, data)}`);
        return { ...json, models, table: files[0], exports, files };
      } finally {
        stop?.release();
      }
    };
    await (options.dryRun ? action<typeof options>(run) : deviceAction<typeof options>(run))(options);
  });
