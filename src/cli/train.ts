/**
 * `train`: trains a detector on a data set, from random weights or further, and goes on with runs that were interrupted.
 *
 * @module
 */

import { formText, type TrainingRequest } from "../recipes/training_request.ts";
import { runTrainingIn, type TrainingOutcome } from "../recipes/training_run.ts";
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

/** Trains as it was asked for, shows how that gets on, and says how it ended: what `--json` prints. Ctrl-C stops it, with a checkpoint. */
export async function runTrain(asked: TrainingRequest, output: Output): Promise<TrainingOutcome["summary"]> {
  let progress: TrainProgress | undefined;
  const stop = stopSignal(output);
  try {
    const outcome = await runTrainingIn(asked, {
      say: (line) => output.note(line),
      signal: stop.signal,
      onTaught: (_, total) => progress?.taught(total),
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
}

/** What was given of options: defaults that the library fills in are no wishes, a resumed run keeps its own. */
export function givenOptions(
  options: object,
  command: { getOptionValueSource(name: string): string | undefined },
): TrainingRequest {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => command.getOptionValueSource(name) !== "default"),
  ) as TrainingRequest;
}

/** Options that every training has. */
interface TrainSettings {
  readonly json?: true;
  readonly install: boolean;
}

/** Runs a training as a verb does. `request` may refuse what was asked for. */
export async function runTrainVerb({ json, install }: TrainSettings, request: () => TrainingRequest): Promise<void> {
  await deviceAction<TrainSettings>((_, output) => runTrain(request(), output))({ json, install });
}

/** The verb `train`. */
export const trainVerb = trainCommand().action(async (options, command) => {
  await runTrainVerb(options, () => givenOptions(options, command));
});
