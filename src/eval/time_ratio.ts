/**
 * Ratios of times that were taken in the same rounds, and whether they can be told from 1.
 *
 * @module
 */

import { quantile } from "npm:simple-statistics@7.12.1";
import { FeatherdetError } from "../graph/error.ts";

/** Times of one over times of another, round by round. */
export interface TimeRatio {
  /** Half of the rounds had a smaller ratio. */
  readonly median: number;
  /**
   * Ends of a 95 % interval of the median: those of the sign test, which supposes nothing of how times are distributed. Absent for fewer
   * than `LEAST_ROUNDS` rounds, which no such test can tell apart from chance.
   */
  readonly interval?: readonly [low: number, high: number];
}

/** Chance that the interval misses the median. */
const MISSED = 0.05;

/** Rounds from which on there is an interval: of 6 rounds all have to agree, of 5 even that happens by chance once in 16 times. */
export const LEAST_ROUNDS = 6;

/**
 * How many of the smallest, and of the largest, of so many samples the 95 % interval of their median leaves out; -1 if there is none.
 * Of n samples, k lie below the median with the binomial probability of k heads of n coins.
 */
function leftOut(count: number): number {
  let probability = 0.5 ** count, below = probability, k = 0;
  if (2 * below > MISSED) return -1;
  while (true) {
    probability *= (count - k) / (k + 1);
    if (2 * (below + probability) > MISSED) return k;
    below += probability;
    k++;
  }
}

/**
 * Compares times with those of an original in the same rounds. What slows a whole round down then changes no ratio.
 *
 * Throws FeatherdetError for different numbers of rounds, or none.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { isDifferent, ratioInRounds } from "./time_ratio.ts";
 * // The machine becomes slower all the time, which both feel.
 * const ratio = ratioInRounds([5, 6, 7, 8, 9, 10], [10, 12, 14, 16, 18, 20]);
 * assert.deepEqual(ratio, { median: 0.5, interval: [0.5, 0.5] });
 * assert.ok(isDifferent(ratio));
 * ```
 */
export function ratioInRounds(times: readonly number[], original: readonly number[]): TimeRatio {
  if (times.length !== original.length || times.length === 0) {
    throw new FeatherdetError(`${times.length} times cannot be compared with ${original.length} round by round`);
  }
  const ratios = times.map((time, round) => time / original[round]).sort((a, b) => a - b);
  const median = quantile(ratios, 0.5), out = leftOut(ratios.length);
  return out < 0 ? { median } : { median, interval: [ratios[out], ratios.at(-1 - out)!] };
}

/** Whether the ratio can be told from 1. */
export function isDifferent({ interval }: Pick<TimeRatio, "interval">): boolean {
  return interval !== undefined && (interval[1] < 1 || interval[0] > 1);
}

/** The middle half of a sample: a quarter is below, a quarter above. */
export function middleHalf(sample: readonly number[]): readonly [low: number, high: number] {
  return [quantile([...sample], 0.25), quantile([...sample], 0.75)];
}
