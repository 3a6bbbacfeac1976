/**
 * The range whose int8 values lie nearest to the real ones: least mean square error, rounding and clipping together.
 *
 * Found on the histogram: one end of the range is moved over a grid and then over a finer one around the best place, then the other,
 * until neither gains.
 *
 * @module
 */

import {
  GREATEST,
  LEAST,
  type QuantizationParameters,
  quantizationParametersFor,
  type Range,
} from "../quantization_parameters.ts";
import { extremes, type Observer } from "./observer.ts";

/** Places that are tried of the whole length, and then of the two steps around the best. */
const COARSE = 64, FINE = 16;

/** Rounds of moving each end. */
const ROUNDS = 4;

/** Sum of the square errors of values that are rounded and clipped by a map; `floor` is the least integer in use. */
export function squareError(
  values: Float64Array,
  counts: Float64Array,
  { scale, zeroPoint }: QuantizationParameters,
  floor = LEAST,
): number {
  const least = floor - zeroPoint, greatest = GREATEST - zeroPoint, inverse = 1 / scale;
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    // Halves may go either way here: they are equally far from both.
    let level = Math.floor(values[i] * inverse + 0.5);
    if (level < least) level = least;
    else if (level > greatest) level = greatest;
    const difference = values[i] - level * scale;
    error += counts[i] * difference * difference;
  }
  return error;
}

/** The fraction in `0 < f <= 1` of least cost, on the two grids. */
function bestFraction(cost: (fraction: number) => number): number {
  let best = 1, least = cost(1);
  const attempt = (fraction: number) => {
    const error = cost(fraction);
    if (error < least) [best, least] = [fraction, error];
  };
  for (let i = COARSE - 1; i > 0; i--) attempt(i / COARSE);
  const centre = best;
  for (let i = 1 - FINE; i < FINE; i++) {
    const fraction = centre + i / (FINE * COARSE);
    if (i !== 0 && fraction > 0 && fraction <= 1) attempt(fraction);
  }
  return best;
}

/** The range of least mean square error. */
export const meanSquareError: Observer = (observed, { symmetric }) => {
  const { values, counts } = observed.histogram.occupied();
  const outer = extremes(observed);
  const cost = (range: Range) => squareError(values, counts, quantizationParametersFor(range, symmetric));
  if (symmetric) {
    const most = Math.max(-outer.low, outer.high);
    const threshold = most * bestFraction((fraction) => cost({ low: -most * fraction, high: most * fraction }));
    return { low: Math.max(outer.low, -threshold), high: Math.min(outer.high, threshold) };
  }
  let range = outer;
  for (let round = 0; round < ROUNDS; round++) {
    const { low } = range;
    const high = outer.high * bestFraction((fraction) => cost({ low, high: outer.high * fraction }));
    const next = { low: outer.low * bestFraction((fraction) => cost({ low: outer.low * fraction, high })), high };
    const isSettled = next.low === range.low && next.high === range.high;
    range = next;
    if (isSettled) break;
  }
  return range;
};
