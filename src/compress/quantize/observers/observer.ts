/**
 * What an observer is: it looks at what calibration has seen of a value and chooses the range that int8 is to cover.
 *
 * @module
 */

import type { Range } from "../quantization_parameters.ts";
import type { Observed } from "../../value_statistics.ts";

/** Settings of observers; each reads those that concern it. */
export interface ObserverOptions {
  /** Whether zero is the middle of int8 (`symmetric`) or anywhere. */
  readonly symmetric: boolean;
  /** Percentage of the values that the range of `percentile` holds. */
  readonly percentile: number;
}

/** Chooses a range, which includes zero and reaches no further than the values do. */
export type Observer = (observed: Observed, options: ObserverOptions) => Range;

/** The least and the greatest value, with zero. */
export function extremes({ lows, highs }: Pick<Observed, "lows" | "highs">): Range {
  let low = 0, high = 0;
  for (const value of lows) low = Math.min(low, value);
  for (const value of highs) high = Math.max(high, value);
  return { low, high };
}

/** A range cut to another. */
export function within({ low, high }: Range, outer: Range): Range {
  return { low: Math.max(low, outer.low), high: Math.min(high, outer.high) };
}
