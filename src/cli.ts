/**
 * The command line: one command per verb. `deno task VERB` is `deno run src/cli.ts VERB` with the permissions that
 * `deno.json` gives to the verb.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "npm:@commander-js/extra-typings@15.1.0";
import { ONE_LINE, reportError, VERSION } from "./cli/verb.ts";

/** Loads a verb. */
type LoadVerb = () => Promise<CommandUnknownOpts>;

const detect: LoadVerb = async () => (await import("./cli/detect.ts")).detectVerb;
const evaluate: LoadVerb = async () => (await import("./cli/eval.ts")).evalVerb;

/** Each verb by each of its names, in the order of the help. A verb is loaded when it is asked for: all of them take three times as long. */
const VERBS: Readonly<Record<string, LoadVerb>> = {
  demo: async () => (await import("./cli/demo.ts")).demoVerb,
  detect,
  predict: detect,
  inspect: async () => (await import("./cli/inspect.ts")).inspectVerb,
  plan: async () => (await import("./cli/plan.ts")).planVerb,
  "predict-latency": async () => (await import("./cli/predict_latency.ts")).predictLatencyVerb,
  simulate: async () => (await import("./cli/simulate.ts")).simulateVerb,
  place: async () => (await import("./cli/place.ts")).placeVerb,
  tune: async () => (await import("./cli/tune.ts")).tuneVerb,
  train: async () => (await import("./cli/train.ts")).trainVerb,
  distil: async () => (await import("./cli/distil.ts")).distilVerb,
  compress: async () => (await import("./cli/compress.ts")).compressModelVerb,
  federated: async () => (await import("./cli/federated.ts")).federatedVerb,
  elastic: async () => (await import("./cli/elastic.ts")).elasticVerb,
  prune: async () => (await import("./cli/prune.ts")).pruneVerb,
  quantize: async () => (await import("./cli/quantize.ts")).quantizeVerb,
  noop: async () => (await import("./cli/noop.ts")).noopVerb,
  export: async () => (await import("./cli/export.ts")).exportVerb,
  data: async () => (await import("./cli/data.ts")).dataVerb,
  eval: evaluate,
  val: evaluate,
  table: async () => (await import("./cli/table.ts")).tableVerb,
  reproduce: async () => (await import("./cli/reproduce.ts")).reproduceVerb,
  queue: async () => (await import("./cli/queue.ts")).queueVerb,
  worker: async () => (await import("./cli/worker.ts")).workerVerb,
  bench: async () => (await import("./cli/bench.ts")).benchVerb,
  family: async () => (await import("./cli/family.ts")).familyVerb,
  page: async () => (await import("./cli/page.ts")).pageVerb,
  bundle: async () => (await import("./cli/bundle.ts")).bundleVerb,
  notebooks: async () => (await import("./cli/notebooks.ts")).notebooksVerb,
  docs: async () => (await import("./cli/docs.ts")).docsVerb,
  test: async () => (await import("./cli/testing.ts")).testVerb,
  ok: async () => (await import("./cli/ok.ts")).okVerb,
};

/** The program with the verb of this name alone, or with all verbs where there is none of this name. */
export async function program(name = ""): Promise<Command> {
  const asked = Object.hasOwn(VERBS, name) ? [VERBS[name]] : [...new Set(Object.values(VERBS))];
  const whole = new Command("featherdet")
    .description("Small and fast object detectors on WebGPU: run, inspect and measure them.")
    .configureOutput(ONE_LINE)
    .version(VERSION, "--version", "print the version");
  for (const verb of await Promise.all(asked.map((load) => load()))) whole.addCommand(verb);
  return whole;
}

if (import.meta.main) {
  try {
    await (await program(Deno.args[0])).parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    reportError(error);
  }
}
