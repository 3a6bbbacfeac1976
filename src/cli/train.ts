/**
 * `train`: trains a detector on a data set, from random weights or further, and goes on with runs that were interrupted.
 *
 * @module
 */

import { formText, runTrainingIn, type TrainingOutcome, type TrainingRequest } from "../recipes/training_run.ts";
import type { Output } from "./output.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { trainCommand } from "./train_options.ts";
import { TrainProgress } from "./train_progress.ts";
import { deviceAction } from "./verb.ts";

/** Says how a run ended. */
function tell({ result, out, asked, validation }: TrainingOutcome, output: Output): void {
  const { score, bestEpoch, epochs, seconds, reason } = result;
  if (reason === "interrupted") output.note(`interrupted: --resume ${out} goes on`);
  if (reason === "patience") output.note("ended early: no epoch was better for long");
  if (score) {
    const figures = `mAP50 ${score.map50.toFixed(3)}, mAP50-95 ${score.map.toFixed(3)}`;
    const part = validation!.split ?? "the data";
    output.line(`best epoch ${bestEpoch} of ${epochs}: ${figures} on ${part}${formText(asked)}`);
  }
  output.line(`${seconds.toFixed(0)} s; written to ${out}`);
}

/** The verb `train`. */
export const trainVerb = trainCommand().action(async (options, command) => {
  // Defaults that the library fills in are no wishes: a resumed run keeps its own.
  const asked = Object.fromEntries(
    Object.entries(options).filter(([name]) => command.getOptionValueSource(name) !== "default"),
  ) as TrainingRequest;
  const { json, install } = options;
  await deviceAction<typeof options>(async (_, output) => {
    let progress: TrainProgress | undefined;
    const stop = stopSignal(output);
    try {
      const outcome = await runTrainingIn(asked, {
        say: (line) => output.note(line),
        signal: stop.signal,
        onStart: (epochs, steps) => progress = new TrainProgress(output, epochs, steps),
        onStep: (event) => progress?.step(event),
        onEpoch: (record) => progress?.epoch(record),
        onValidated: (_, total) => progress?.validated(total),
        onEnd: () => progress?.stop(),
      });
      tell(outcome, output);
      if (outcome.result.reason === "interrupted") Deno.exitCode = INTERRUPTED;
      return outcome.summary;
    } finally {
      progress?.stop();
      stop.release();
    }
  })({ ...options, json, install });
});
