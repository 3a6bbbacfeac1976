/**
 * The whole range: nothing is clipped, and a single outlier makes every step wide.
 *
 * @module
 */

import { extremes, type Observer } from "./observer.ts";

/** From the least to the greatest value of all samples. */
export const minMax: Observer = (observed) => extremes(observed);
