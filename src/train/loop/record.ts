/**
 * What a run remembers of itself: where it is, what its epochs brought, which was the best. Plain values, which JSON can hold.
 *
 * @module
 */

import type { StepReport, UpdateSettings } from "./trainer.ts";

/** Where a run is. */
export interface Position {
  /** Epoch, from 0. */
  readonly epoch: number;
  /** Batches of this epoch that were used: all of them where only the validation is left. */
  readonly step: number;
  /** Updates that were asked for, those included that were skipped. */
  readonly updates: number;
}

/** Losses of a batch, as `StepReport` has them. */
export type Losses = StepReport["losses"];

/** Mean average precision on pictures that are not trained on, as shares of 1. */
export interface Score {
  /** Mean over overlaps of 0.5 to 0.95, COCO's figure. */
  readonly map: number;
  /** At an overlap of 0.5. */
  readonly map50: number;
}

/** What an epoch brought. */
export interface EpochRecord {
  /** From 0. */
  readonly epoch: number;
  /** Means over its batches. */
  readonly losses: Losses;
  /** Of its last step. */
  readonly learningRates: UpdateSettings["learningRates"];
  /** Pictures a second, without the validation. */
  readonly imagesPerSecond: number;
  /** What it took, without the validation. */
  readonly seconds: number;
  /** Steps whose gradient or losses were not finite. */
  readonly skipped: number;
  /** Undefined where it was not measured. */
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
  /** Their sums. */
  readonly losses: Losses;
  /** Steps whose gradient or losses were not finite. */
  readonly skipped: number;
  /** What all of them took. */
  readonly seconds: number;
}

/** An epoch of which nothing was done. */
export const EMPTY_TALLY: EpochTally = {
  steps: 0,
  losses: { box: 0, classes: 0, distribution: 0 },
  skipped: 0,
  seconds: 0,
};

/** Everything that a run remembers. */
export interface RunRecord {
  /** Where it is. */
  readonly position: Position;
  /** Of the epoch that is running. */
  readonly tally: EpochTally;
  /** Those that are over, in order. */
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

/** Whether a step is one from which nothing was learned: its gradient or its losses were not finite. */
export function isLost({ losses, skipped }: StepReport): boolean {
  return skipped || !Object.values(losses).every(Number.isFinite);
}

/** The tally with one more step; losses of lost steps are left out. */
export function tallied(tally: EpochTally, report: StepReport, seconds: number): EpochTally {
  const timed = { ...tally, seconds: tally.seconds + seconds };
  if (isLost(report)) return { ...timed, skipped: tally.skipped + 1 };
  const { box, classes, distribution } = report.losses;
  const { losses } = tally;
  return {
    ...timed,
    steps: tally.steps + 1,
    losses: {
      box: losses.box + box,
      classes: losses.classes + classes,
      distribution: losses.distribution + distribution,
    },
  };
}

/** Mean losses of an epoch; zeros where every step was lost. */
export function meanLosses({ steps, losses: { box, classes, distribution } }: EpochTally): Losses {
  const count = Math.max(steps, 1);
  return { box: box / count, classes: classes / count, distribution: distribution / count };
}
