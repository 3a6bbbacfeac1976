/**
 * How far predictions of networks that a model has not seen are off: errors, and whether they have the order that was measured.
 *
 * @module
 */

import { BAND_SHARE, quantile } from "../fitted.ts";

/** What a network took, and what the model says that has not seen it. */
export interface UnseenNetwork {
  /** What it is. */
  readonly name: string;
  /** Milliseconds of all dispatches. */
  readonly device: number;
  /** The same, predicted. */
  readonly predictedDevice: number;
  /** Milliseconds from picture to boxes, the fastest. */
  readonly frame: number;
  /** The same, predicted. */
  readonly predictedFrame: number;
}

/** How far predictions of unseen networks are off. */
export interface UnseenSummary {
  /** Networks that were compared. */
  readonly networks: number;
  /** Median of |predicted / measured - 1|. */
  readonly median: number;
  /** The greatest. */
  readonly worst: number;
  /** Its network. */
  readonly worstName: string;
  /** Spearman's correlation of the ranks of predicted and measured times. */
  readonly rank: number;
  /** Nine of ten predictions are off by less than this factor. */
  readonly band: number;
}

/** Ranks of numbers from 0; equal ones share the mean of theirs. */
function ranks(numbers: readonly number[]): number[] {
  return numbers.map((one) => {
    const below = numbers.filter((other) => other < one).length, same = numbers.filter((other) => other === one).length;
    return below + (same - 1) / 2;
  });
}

/** Spearman's rank correlation of two lists of one length, at least two. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)], mean = (a.length - 1) / 2;
  const product = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, one, i) => sum + (one - mean) * (q[i] - mean), 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

/** Sums up networks, at least two: their dispatches, or their frames. */
export function summarizeUnseen(unseen: readonly UnseenNetwork[], what: "device" | "frame"): UnseenSummary {
  const pairs = unseen.map((one) =>
    what === "device" ? [one.predictedDevice, one.device] as const : [one.predictedFrame, one.frame] as const
  );
  const off = pairs.map(([predicted, measured]) => Math.abs(predicted / measured - 1)), worst = Math.max(...off);
  return {
    networks: unseen.length,
    median: quantile(off, 0.5),
    worst,
    worstName: unseen[off.indexOf(worst)].name,
    rank: rankCorrelation(pairs.map(([predicted]) => predicted), pairs.map(([, measured]) => measured)),
    band: Math.exp(
      quantile(pairs.map(([predicted, measured]) => Math.abs(Math.log(predicted / measured))), BAND_SHARE),
    ),
  };
}
