/**
 * The log of a run, `log.jsonl`: a JSON object a line, for programs that follow a run or look at it later.
 *
 * Every line has `event` and `time` (ISO 8601). `start`: what was asked for. `step`: `epoch`, `step`, `losses` (by name, times
 * their weights), `lossWeights` (of losses that state a weight), `positives` (where there are boxes), `gradientNorm`, `skipped`,
 * `learningRates`, `momentum`, `imagesPerSecond`, `waited` (milliseconds until the batch was there). `epoch`: an `EpochRecord`. `end`:
 * why, and the best epoch.
 *
 * @module
 */

import type { Position } from "./record.ts";
import type { TrainingStore } from "./store.ts";

/** The file's name. */
export const LOG_FILE = "log.jsonl";

/** A line. */
export interface LogLine {
  readonly event: "start" | "step" | "epoch" | "end";
  readonly epoch?: number;
  readonly step?: number;
  readonly [field: string]: unknown;
}

/** Begins the log of a new run: what a run that failed before its first checkpoint has left goes. */
export async function beginLog(store: TrainingStore): Promise<void> {
  await store.write(LOG_FILE, "");
}

/** Adds a line. */
export async function log(store: TrainingStore, line: LogLine): Promise<void> {
  const { event, ...rest } = line;
  await store.append(LOG_FILE, `${JSON.stringify({ event, time: new Date().toISOString(), ...rest })}\n`);
}

/** Whether a line tells of what a run that goes on at this position does again. */
function comesAfter({ event, epoch = 0, step = 0 }: LogLine, position: Position): boolean {
  if (event === "epoch") return epoch >= position.epoch;
  if (event === "step") return epoch > position.epoch || (epoch === position.epoch && step >= position.step);
  return false;
}

/** Takes out what a run that goes on at this position says again, and lines that were cut short. */
export async function rewindLog(store: TrainingStore, position: Position): Promise<void> {
  const bytes = await store.read(LOG_FILE);
  if (bytes === undefined) return;
  const kept = new TextDecoder().decode(bytes).split("\n").filter((line) => {
    try {
      return !comesAfter(JSON.parse(line), position);
    } catch {
      return false;
    }
  });
  await store.write(LOG_FILE, kept.map((line) => `${line}\n`).join(""));
}
