/**
 * The observers by name.
 *
 * @module
 */

import { entropy } from "./entropy.ts";
import { minMax } from "./min_max.ts";
import { movingAverage } from "./moving_average.ts";
import { meanSquareError } from "./mse.ts";
import type { Observer } from "./observer.ts";
import { percentile } from "./percentile.ts";

/** Name of an observer. */
export type ObserverName = "min-max" | "moving-average" | "percentile" | "mse" | "entropy";

/** Every observer. */
export const OBSERVERS: Readonly<Record<ObserverName, Observer>> = {
  "min-max": minMax,
  "moving-average": movingAverage,
  percentile,
  mse: meanSquareError,
  entropy,
};
