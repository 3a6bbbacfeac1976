/**
 * The command line: one command per verb. `deno task VERB` is `deno run src/cli.ts VERB` with the permissions that
 * `deno.json` gives to the verb.
 *
 * @module
 */

import { Command } from "npm:@commander-js/extra-typings@15.1.0";
import { benchVerb } from "./cli/bench.ts";
import { dataVerb } from "./cli/data.ts";
import { demoVerb } from "./cli/demo.ts";
import { detectVerb } from "./cli/detect.ts";
import { distilVerb } from "./cli/distil.ts";
import { docsVerb } from "./cli/docs.ts";
import { evalVerb } from "./cli/eval.ts";
import { exportVerb } from "./cli/export.ts";
import { familyVerb } from "./cli/family.ts";
import { federatedVerb } from "./cli/federated.ts";
import { inspectVerb } from "./cli/inspect.ts";
import { noopVerb } from "./cli/noop.ts";
import { notebooksVerb } from "./cli/notebooks.ts";
import { okVerb } from "./cli/ok.ts";
import { planVerb } from "./cli/plan.ts";
import { predictLatencyVerb } from "./cli/predict_latency.ts";
import { pruneVerb } from "./cli/prune.ts";
import { quantizeVerb } from "./cli/quantize.ts";
import { queueVerb } from "./cli/queue.ts";
import { reproduceVerb } from "./cli/reproduce.ts";
import { simulateVerb } from "./cli/simulate.ts";
import { tableVerb } from "./cli/table.ts";
import { testVerb } from "./cli/testing.ts";
import { trainVerb } from "./cli/train.ts";
import { tuneVerb } from "./cli/tune.ts";
import { ONE_LINE, reportError, VERSION } from "./cli/verb.ts";
import { workerVerb } from "./cli/worker.ts";

/** The program with all its verbs. */
export function program(): Command {
  return new Command("featherdet")
    .description("Small and fast object detectors on WebGPU: run, inspect and measure them.")
    .configureOutput(ONE_LINE)
    .version(VERSION, "--version", "print the version")
    .addCommand(demoVerb)
    .addCommand(detectVerb)
    .addCommand(inspectVerb)
    .addCommand(planVerb)
    .addCommand(predictLatencyVerb)
    .addCommand(simulateVerb)
    .addCommand(tuneVerb)
    .addCommand(trainVerb)
    .addCommand(distilVerb)
    .addCommand(federatedVerb)
    .addCommand(pruneVerb)
    .addCommand(quantizeVerb)
    .addCommand(noopVerb)
    .addCommand(exportVerb)
    .addCommand(dataVerb)
    .addCommand(evalVerb)
    .addCommand(tableVerb)
    .addCommand(reproduceVerb)
    .addCommand(queueVerb)
    .addCommand(workerVerb)
    .addCommand(benchVerb)
    .addCommand(familyVerb)
    .addCommand(notebooksVerb)
    .addCommand(docsVerb)
    .addCommand(testVerb)
    .addCommand(okVerb);
}

if (import.meta.main) {
  try {
    await program().parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    reportError(error);
  }
}
