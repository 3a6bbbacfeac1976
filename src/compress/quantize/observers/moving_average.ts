/**
 * Averages of the samples' extremes, as they are kept during training (Jacob et al. 2018): outliers of few samples count little. The
 * result depends on the order of the samples.
 *
 * @module
 */

import type { Observer } from "./observer.ts";

/** Weight of each further sample. */
const MOMENTUM = 0.1;

function average(values: readonly number[]): number {
  return values.reduce((mean, value) => mean + MOMENTUM * (value - mean));
}

/** From the average of the samples' least values to that of their greatest. */
export const movingAverage: Observer = ({ lows, highs }) => ({
  low: Math.min(0, average(lows)),
  high: Math.max(0, average(highs)),
});
