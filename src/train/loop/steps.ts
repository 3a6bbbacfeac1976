/**
 * Steps of an epoch, kept in flight so that the device never waits for the host: while one is computed, the next is already there.
 *
 * @module
 */

import type { Schedule } from "./schedule.ts";
import type { StepReport, Trainer, TrainingBatch, UpdateSettings } from "./trainer.ts";

/** Steps that are asked for before the first has reported: one that is computed and one behind it. */
export const STEPS_IN_FLIGHT = 2;

/** A step that has reported. */
export interface SettledStep {
  /** Its number in the epoch, from 0. */
  readonly step: number;
  /** Updates that were requested, including this one. */
  readonly updates: number;
  /** Settings of the update after it; undefined if there was none. */
  readonly settings?: UpdateSettings;
  /** Its report. */
  readonly report: StepReport;
  /** Milliseconds of waiting for its batch. */
  readonly waited: number;
}

/** What to run. */
export interface StepsOptions {
  readonly trainer: Trainer;
  readonly schedule: Schedule;
  readonly batches: AsyncIterator<TrainingBatch>;
  readonly epoch: number;
  /** First step: 0, or one that follows an update. */
  readonly from: number;
  /** Updates that were asked for before. */
  readonly updates: number;
  /** Asked before each step that follows an update of these steps; where it says so, no further step is begun. */
  readonly pause: () => boolean;
}

/** Runs the steps of an epoch, or those up to a pause, and yields them in order. Afterwards none is in flight. */
export async function* runSteps(options: StepsOptions): AsyncGenerator<SettledStep> {
  const { trainer, schedule, batches, epoch, from, pause } = options;
  const moves = schedule.updates(epoch);
  const first = epoch * moves.length;
  const flying: Promise<SettledStep>[] = [];
  let { updates } = options;
  for (let step = from; step < moves.length; step++) {
    // The first is always made, so that a run gets on however often it pauses.
    if (step > from && moves[step - 1] && pause()) break;
    const started = performance.now();
    const { value: batch, done } = await batches.next();
    if (done) throw new Error("the batches have come to an end, they must go on as long as the run does");
    const waited = performance.now() - started;
    const settings = moves[step] ? schedule.settings(first + step, ++updates) : undefined;
    const settled = { step, updates, settings, waited };
    const pending = trainer.step(batch, settings, epoch + step / moves.length).then((report) => ({
      ...settled,
      report,
    }));
    // A failure is reported where its step is awaited, also when that comes late.
    pending.catch(() => {});
    flying.push(pending);
    if (flying.length >= STEPS_IN_FLIGHT) yield await flying.shift()!;
  }
  for (const pending of flying) yield await pending;
}
