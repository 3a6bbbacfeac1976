/**
 * `reproduce`: makes every variant of a data set that is missing, parents first, and then the result tables.
 *
 * @module
 */

import { InvalidArgumentError } from "npm:commander@15.1.0";
import type { PlannedFile } from "../recipes/reproduce/plan.ts";
import { reproduce, type ReproducedFile } from "../recipes/reproduce/reproduce.ts";
import { partFolder, resultsFolder } from "../recipes/reproduce/workshop.ts";
import type { Output } from "./output.ts";
import { checkOptions, readyVerb } from "./step_verbs.ts";
import { INTERRUPTED } from "./stop_signal.ts";
import { tablesVerb, tellTables, withTableProgress } from "./table.ts";
import { action, deviceAction } from "./verb.ts";
import { openJobQueue } from "../queue/job_queue.ts";
import { makeByQueue } from "../recipes/jobs/make.ts";

/** Seeds with commas between them. */
function seedList(text: string): number[] {
  const seeds = text.split(",").map(Number);
  if (text.trim() !== "" && seeds.every((seed) => Number.isInteger(seed) && seed >= 0)) return seeds;
  throw new InvalidArgumentError("Expected whole numbers with commas between them, such as 0,1,2.");
}

/** A time as people read it. */
export function timeText(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return minutes < 100 ? `${minutes} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** What a file is called. */
const nameOf = ({ variant, seed, action }: PlannedFile, several: ReadonlySet<string>) =>
  action === "none" || !several.has(variant) ? variant : `${variant}, seed ${seed}`;

/** Ids of variants of which several seeds are in the plan. */
function severalSeeds(plan: readonly PlannedFile[]): ReadonlySet<string> {
  const counts = Map.groupBy(plan, ({ variant }) => variant);
  return new Set([...counts].filter(([, files]) => files.length > 1).map(([id]) => id));
}

/** The plan in lines: what is made, in its order, with the command and its time; what is kept, and why; what nobody can make. */
export function planText(plan: readonly PlannedFile[], tables: string): string[] {
  const several = severalSeeds(plan), making = plan.filter(({ action }) => action === "make");
  const lines = making.flatMap((planned, i) => {
    const { time, command, state } = planned;
    const takes = time ? `about ${timeText(time.seconds)}, ${time.source}` : "nobody has timed it";
    return [`${i + 1}. ${nameOf(planned, several)}: ${state.why}; ${takes}`, `   ${command}`];
  });
  const kept = plan.filter(({ action }) => action === "keep").map((planned) => {
    const { kind, why } = planned.state;
    return `${kind === "stale" ? "stale" : "kept"}: ${nameOf(planned, several)}: ${why}`;
  });
  const none = plan.filter(({ action }) => action === "none").map(({ variant }) => variant);
  const known = making.flatMap(({ time }) => time ? [time.seconds] : []);
  const total = timeText(known.reduce((sum, one) => sum + one, 0));
  const untimed = making.length - known.length;
  return [
    ...lines,
    ...kept,
    ...(none.length > 0 ? [`no recipe: ${none.join(", ")}`] : []),
    making.length === 0
      ? `nothing has to be made; then ${tables}`
      : `${making.length} to make, in all about ${total}${
        untimed > 0 ? ` and ${untimed} untimed` : ""
      }; then ${tables}`,
  ];
}

/** What there is to say at the end of files that were made, or are stale. */
function tell(made: readonly ReproducedFile[], output: Output): void {
  const several = severalSeeds(made as readonly PlannedFile[]);
  for (const one of made) {
    const name = nameOf(one as PlannedFile, several);
    if (one.action === "made") output.line(`made ${name} in ${timeText(one.seconds!)}: ${one.file}`);
    else if (one.state.kind === "stale") {
      output.note(`warning: ${name} is stale: ${one.state.why}; --stale makes it again`);
    }
  }
}

const EXAMPLE = `deno task reproduce --data bccd --dry-run
  deno task reproduce --data bccd --only bccd-pruned bccd-int8 --seeds 0,1`;

const MORE = `
Each variant of data/variants.json has a recipe: verbs with their options, run in this process. What a recipe begins
with is made first. Runs lie in .cache/runs, or in the folder of --out: stopped with Ctrl-C anywhere, the same command
goes on. A file that is there is kept; that it is stale is said where a run, the model's history or seeds.json tells so.`;

/** The verb `reproduce`. */
export const reproduceVerb = tablesVerb(
  "reproduce",
  "Make every variant of a data set that is missing, then the result tables.",
  EXAMPLE,
)
  .option("--only <ids...>", "make only these variants, and what they are made from")
  .option("--seeds <list>", "make only these seeds, such as 0,1,2; all of each recipe by default", seedList)
  .option("--stale", "make stale files again")
  .option("--dry-run", "say what would be made, in which order, and how long it takes")
  .option("--no-table", "make no tables")
  .option("--out <folder>", "folder for models, runs and tables; by default each recipe says where, and data/results/")
  .addHelpText("after", MORE)
  .action(async (options) => {
    const run = async (settings: typeof options, output: Output) => {
      const { data, manifest, out, only, seeds, stale, dryRun } = settings;
      await using queue = settings.queue === undefined || dryRun ? undefined : await openJobQueue(settings.queue);
      if (queue) output.note(`workers make the files and measure mAP: deno task worker --queue ${queue.where}`);
      // Hashes of the files that are there take seconds.
      output.note(`reading the recipes of ${data}, and the files that are there`);
      const folder = out ?? (settings.limit === undefined ? resultsFolder : partFolder)(data, manifest);
      const tables = settings.table ? `the tables in ${folder}` : "no tables";
      const { reason, made, table } = await withTableProgress(settings, output, (how) =>
        reproduce({
          ...{ data, manifest, checkOptions, out, only, seeds, stale, dryRun },
          run: (verb, words) => readyVerb(verb, words)(output),
          ...(queue && { elsewhere: (...job) => makeByQueue(queue, ...job) }),
          table: settings.table ? { ...how, queue } : undefined,
          onPlan: (plan) => {
            for (const line of planText(plan, tables)) dryRun ? output.line(line) : output.note(line);
          },
          onMake: (planned) => output.note(`\nmaking ${planned.variant}, seed ${planned.seed}: ${planned.command}`),
        }));
      if (reason === "interrupted") {
        output.note("interrupted: the same command goes on");
        Deno.exitCode = INTERRUPTED;
      }
      if (!dryRun) tell(made, output);
      if (table) tellTables(table, output);
      return { reason, made, table };
    };
    // What only says something needs no device.
    await (options.dryRun ? action<typeof options>(run) : deviceAction<typeof options>(run))(options);
  });
