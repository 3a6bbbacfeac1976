/**
 * Ternary weights: each is -1, 0 or 1 times the scale of its output channel (Li, Zhang and Liu 2016, "Ternary Weight Networks").
 *
 * @module
 */

import type { LowBitChannel } from "./low_bit_channel.ts";

/** Share of the mean weight at which weights of a normal or uniform distribution are best cut, as the paper finds. */
const TWN_SHARE = 0.7;

const meanSize = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, value) => sum + Math.abs(value), 0) / values.length;

/** The paper's rule of thumb for the threshold: 0.7 times the mean absolute weight. */
export function twnThreshold(values: ArrayLike<number>): number {
  return TWN_SHARE * meanSize(values);
}

/**
 * The threshold of least square error.
 *
 * With the k greatest weights kept and their mean for a scale, the error is what all weights have in squares less (sum of the k)^2 / k.
 * So the best k is found by looking at all of them, greatest weight first; the threshold lies between the last that is kept and the
 * next.
 */
export function optimalThreshold(values: ArrayLike<number>): number {
  const sizes = Float64Array.from(values, Math.abs).sort().reverse();
  let sum = 0, best = 0, threshold = 0;
  for (let kept = 1; kept <= sizes.length; kept++) {
    sum += sizes[kept - 1];
    const gain = sum * sum / kept;
    const next = sizes[kept] ?? 0;
    // Among equal weights there is no threshold.
    if (gain <= best || next === sizes[kept - 1]) continue;
    best = gain;
    threshold = (sizes[kept - 1] + next) / 2;
  }
  return threshold;
}

/** Ternary weights of an output channel: zero up to the threshold; the scale is the mean of what lies above it. */
export function ternaryChannel(
  values: ArrayLike<number>,
  threshold: number = optimalThreshold(values),
): LowBitChannel {
  const levels = Int8Array.from(values, (value) => Math.abs(value) > threshold ? Math.sign(value) : 0);
  let sum = 0, kept = 0;
  for (let i = 0; i < values.length; i++) {
    sum += levels[i] * values[i];
    kept += Math.abs(levels[i]);
  }
  return { levels, scale: kept === 0 ? 0 : Math.fround(sum / kept) };
}
