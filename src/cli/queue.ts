/**
 * `queue`: shows how far a queue of jobs is, puts jobs in, fetches results, serves an embedded queue to other machines.
 *
 * @module
 */

import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { Argument } from "npm:@commander-js/extra-typings@15.1.0";
import { kindOf, readBytes } from "../data/files.ts";
import { FeatherdetError } from "../graph/error.ts";
import { makeFolder } from "../host/table_files.ts";
import { writeWhole } from "../host/whole_file.ts";
import { parseQueueUrl } from "../queue/address.ts";
import type { Job, JobQueue, JobStatus, Progress } from "../queue/job.ts";
import { openJobQueue } from "../queue/job_queue.ts";
import { serveFolder } from "../queue/pglite.ts";
import { RECIPE_VERBS, type RecipeVerbName } from "../report/table/recipe.ts";
import { integerIn } from "./arguments.ts";
import type { Output } from "./output.ts";
import { queueOption } from "./queue_option.ts";
import { checkOptions } from "./step_verbs.ts";
import { stopSignal } from "./stop_signal.ts";
import { action, verb } from "./verb.ts";

/** Where verbs put what they make, for those who do not say. */
const OUT: Readonly<Partial<Record<RecipeVerbName, string>>> = {
  train: "{out}",
  prune: "{out}/model.onnx",
  quantize: "{out}/model.onnx",
};

/** Words as a job has them: models that are here go into the store and are named by their place in the job. */
async function verbJob(queue: JobQueue, name: RecipeVerbName, words: readonly string[]): Promise<Job> {
  const wrong = checkOptions(name, words);
  if (wrong !== undefined) throw new FeatherdetError(`${name}: ${wrong}`);
  const files: Record<string, string> = {}, told: string[] = [];
  for (const word of words) {
    if (!word.endsWith(".onnx") || kindOf(word) !== "file") {
      told.push(word);
      continue;
    }
    const inside = `${Object.keys(files).length}-${basename(word).replaceAll(/[^\w.-]/g, "_")}`;
    files[inside] = await queue.files.put(await readBytes(word));
    told.push(`{${inside}}`);
  }
  const out = OUT[name];
  if (out !== undefined && !told.some((word) => word.includes("{out}"))) told.push("--out", out);
  return { kind: "verb", input: { verb: name, words: told, files }, title: [name, ...words].join(" ") };
}

const TEXT = { type: "string" } as const;

const MEASURE_OPTIONS = { model: TEXT, data: TEXT, split: TEXT, limit: TEXT, size: TEXT, precision: TEXT, runs: TEXT };

/** `evaluate` and `measure` with their options; the worker checks their values. */
async function measureJob(queue: JobQueue, kind: string, words: readonly string[]): Promise<Job> {
  let given;
  try {
    given = parseArgs({ args: [...words], options: MEASURE_OPTIONS }).values;
  } catch (error) {
    throw new FeatherdetError(`${kind}: ${(error as Error).message}`, {}, { cause: error });
  }
  if (given.model === undefined) throw new FeatherdetError(`${kind}: --model is missing`);
  const model = await queue.files.put(await readBytes(given.model));
  const input: Record<string, unknown> = { ...given, model };
  for (const name of ["limit", "size", "runs"]) if (input[name] !== undefined) input[name] = Number(input[name]);
  return { kind, input, title: [kind, ...words].join(" ") };
}

async function jobOf(queue: JobQueue, [name, ...words]: readonly string[]): Promise<Job> {
  if (Object.hasOwn(RECIPE_VERBS, name)) return await verbJob(queue, name as RecipeVerbName, words);
  if (name === "evaluate" || name === "measure") return await measureJob(queue, name, words);
  const known = [...Object.keys(RECIPE_VERBS), "evaluate", "measure"].join(", ");
  throw new FeatherdetError(`behind -- comes what to do, one of ${known}, not "${name ?? ""}"`);
}

function countsText({ waiting, running, done, failed, cancelled }: Progress): string {
  const counts = { waiting, running, done, failed, cancelled };
  return Object.entries(counts).filter(([, count]) => count > 0).map(([word, count]) => `${count} ${word}`).join(
    ", ",
  ) ||
    "no jobs";
}

function jobText({ id, kind, title, state, priority, retries, error, worker, seconds }: JobStatus): string {
  const told = [
    ...(priority === 0 ? [] : [`priority ${priority}`]),
    ...(retries === 0 ? [] : [`tried again ${retries} times`]),
    ...(worker === undefined ? [] : [`${worker}, ${seconds?.toFixed(1)} s`]),
    ...(error === undefined ? [] : [error]),
  ];
  return `${id}  ${state.padEnd(9)}  ${title ?? kind}${told.length > 0 ? `  (${told.join("; ")})` : ""}`;
}

async function list(queue: JobQueue, output: Output, watch?: true): Promise<object> {
  let before = "";
  for (;;) {
    const progress = await queue.progress(), text = countsText(progress);
    const isOver = progress.waiting + progress.running === 0;
    if (!watch || isOver) {
      for (const job of progress.jobs) output.line(jobText(job));
      output.line(text);
      return progress;
    }
    if (text !== before) output.note(text);
    before = text;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Fetches a result, and its files into a folder. */
async function get(queue: JobQueue, id: string, out: string | undefined, output: Output): Promise<object> {
  const value = await queue.result(id);
  const { files = {}, sha256 } = (value ?? {}) as { files?: Record<string, string>; sha256?: string };
  const all = sha256 === undefined ? files : { ...files, "model.onnx": sha256 };
  output.line(JSON.stringify(value, null, 2));
  if (out !== undefined) await makeFolder(out);
  for (const [name, hash] of out === undefined ? [] : Object.entries(all)) {
    await writeWhole(join(out!, basename(name)), await queue.files.get(hash));
    output.note(`written: ${join(out!, basename(name))}`);
  }
  return { id, value };
}

/** Serves a folder's queue until Ctrl-C. */
async function serve(url: string, host: string, port: number, output: Output): Promise<object> {
  const { kind, place, shown } = parseQueueUrl(url);
  if (kind !== "folder") throw new FeatherdetError(`a queue that is served is pglite:FOLDER, not ${shown}`);
  const served = await serveFolder(place, { host, port });
  if (typeof served === "string") throw new FeatherdetError(`another process serves it at ${served}`, { file: place });
  const stop = stopSignal(output, "ending");
  output.line(`${shown} is served at ${served.url}, without a password: only where everybody is trusted`);
  await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
  stop.release();
  await served.close();
  return { queue: shown, url: served.url };
}

const EXAMPLES = `deno task queue
  deno task queue add --priority 5 -- train --data bccd --epochs 100
  deno task queue get ID --out runs/first
  deno task queue serve --host 0.0.0.0 --port 5433`;

const MORE = `
add: behind -- comes a verb of recipes (train, prune, quantize, data) with its options, or evaluate (--model --data --split
--limit --size --precision) or measure (--model --size --precision --runs). Models that are files here travel with the job.
A job that is there already is not put in again; one that had failed is tried anew. get waits for the result.`;

/** The verb `queue`. */
export const queueVerb = verb("queue", "Show how far a queue of jobs is; add jobs, fetch results.", EXAMPLES)
  .addArgument(new Argument("[what]", "what to do").choices(["list", "add", "get", "cancel", "serve"]).default("list"))
  .argument("[words...]", "the job to add, or the job's id")
  .addOption(queueOption())
  .option("--priority <number>", "jobs of higher priority are taken first", integerIn(-1e6, 1e6), 0)
  .option("--watch", "list: go on until no job waits or runs")
  .option("--out <folder>", "get: where to write the result's files")
  .option("--host <address>", "serve: where to listen", "127.0.0.1")
  .option("--port <number>", "serve: where to listen; any that is free by default", integerIn(0, 65_535), 0)
  .addHelpText("after", MORE)
  .action(async (what, words, options) => {
    await action<typeof options>(async ({ queue: url, priority, watch, out, host, port }, output) => {
      if (what === "serve") return await serve(url, host, port, output);
      await using queue = await openJobQueue(url, { onWarning: (text) => output.note(`warning: ${text}`) });
      if (what === "list") return await list(queue, output, watch);
      if (what === "add") {
        const id = await queue.submit({ ...await jobOf(queue, words), priority });
        output.line(id);
        return { id };
      }
      const [id] = words;
      if (!/^[0-9a-f-]{36}$/.test(id ?? "")) throw new FeatherdetError(`"${id ?? ""}" is no job's id`);
      if (what === "get") return await get(queue, id, out, output);
      await queue.cancel(id);
      return { id };
    })(options);
  });
