/**
 * What a run remembers of itself: where it is, what its epochs brought, which was the best. Plain values, which JSON can hold.
 *
 * @module
 */

import type { Losses } from "../losses/named_loss.ts";
import type { StepReport, UpdateSettings } from "./trainer.ts";
export type { Losses } from "../losses/named_loss.ts";

/** Where a run is. */
export interface Position {
  /** Epoch, from 0. */
  readonly epoch: number;
  /** Batches of this epoch that were used: all of them where only the validation is left. */
  readonly step: number;
  /** Updates that were requested, including those that were skipped. */
  readonly updates: number;
}

/** Mean average precision on pictures that are not trained on, as shares of 1. */
export interface Score {
  /** Mean over overlaps of 0.5 to 0.95, COCO's figure. */
  readonly map: number;
  /** At an overlap of 0.5. */
  readonly map50: number;
}

/** Results of an epoch. */
export interface EpochRecord {
  /** From 0. */
  readonly epoch: number;
  /** Means over its batches. */
  readonly losses: Losses;
  /** Of its last step. */
  readonly learningRates: UpdateSettings["learningRates"];
  /** Pictures a second, without the validation. */
  readonly imagesPerSecond: number;
  /** Time that it took, without the validation. */
  readonly seconds: number;
  /** Steps whose gradient or losses were not finite. */
  readonly skipped: number;
  /** Undefined if it was not measured. */
  readonly score?: Score;
}

/** The best epoch so far. */
export interface BestEpoch extends Score {
  /** From 0. */
  readonly epoch: number;
}

/** Sums over the steps of the epoch that is running. */
export interface EpochTally {
  /** Steps whose losses are in the sums. */
  readonly steps: number;
  /** Their sums; none before the first step. */
  readonly losses: Losses;
  /** Steps whose gradient or losses were not finite. */
  readonly skipped: number;
  /** Time that all of them took. */
  readonly seconds: number;
}

/** An epoch of which nothing was done. */
export const EMPTY_TALLY: EpochTally = { steps: 0, losses: {}, skipped: 0, seconds: 0 };

/** Everything that a run remembers. */
export interface RunRecord {
  /** Where it is. */
  readonly position: Position;
  /** Sums of the current epoch. */
  readonly tally: EpochTally;
  /** Completed epochs, in order. */
  readonly epochs: readonly EpochRecord[];
  /** Undefined before the first validation. */
  readonly best?: BestEpoch;
  /** Seconds of work before, validation included. */
  readonly seconds: number;
}

/** A run that has not begun. */
export const NEW_RUN: RunRecord = {
  position: { epoch: 0, step: 0, updates: 0 },
  tally: EMPTY_TALLY,
  epochs: [],
  seconds: 0,
};

/** Losses of a step that are not finite, by name. */
export function nonFiniteLosses({ losses }: StepReport): string[] {
  return Object.keys(losses).filter((name) => !Number.isFinite(losses[name]));
}

/** Whether a step is one from which nothing was learned: its gradient or its losses were not finite. */
export function isLost(report: StepReport): boolean {
  return report.skipped || nonFiniteLosses(report).length > 0;
}

function mapLosses(losses: Losses, value: (name: string, loss: number) => number): Losses {
  return Object.fromEntries(Object.entries(losses).map(([name, loss]) => [name, value(name, loss)]));
}

/** The tally with one more step; losses of lost steps are left out. */
export function tallied(tally: EpochTally, report: StepReport, seconds: number): EpochTally {
  const lost = isLost(report);
  const losses = mapLosses(report.losses, (name, loss) => (tally.losses[name] ?? 0) + (lost ? 0 : loss));
  const { steps, skipped } = tally;
  return {
    ...{ steps: lost ? steps : steps + 1, losses, skipped: lost ? skipped + 1 : skipped },
    seconds: tally.seconds + seconds,
  };
}

/** Mean losses of an epoch; zeros where every step was lost. */
export function meanLosses({ steps, losses }: EpochTally): Losses {
  return mapLosses(losses, (_, sum) => sum / Math.max(steps, 1));
}
