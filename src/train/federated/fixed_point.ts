/**
 * Vectors as integers modulo 2^32, whose sums are exact in any order: what masks can be added to and taken off again.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { roundHalfEven } from "../../graph/mod.ts";

/** How numbers become integers. */
export interface FixedPoint {
  /** Greatest size of a number; others are clipped. */
  readonly range: number;
  /** Greatest sum of all clients' weights: decides how fine the steps are, so that no sum passes 2^31. */
  readonly weights: number;
}

/** Steps of a number: as many as leave room for the sum. */
function stepsOf({ range, weights }: FixedPoint): number {
  const steps = Math.floor((2 ** 31 - 1) / weights - 1) / range;
  if (!(range > 0) || !(weights >= 1) || !(steps * range >= 2 ** 7)) {
    throw new FeatherdetError(`weights that sum up to ${weights} and a range of ${range} leave no room in 32 bits`);
  }
  return steps;
}

/** A vector times a whole weight, as integers modulo 2^32. Throws FeatherdetError for numbers that are not finite, and where they do not fit. */
export function toFixed(vector: ArrayLike<number>, weight: number, how: FixedPoint): Uint32Array<ArrayBuffer> {
  const steps = stepsOf(how), { range } = how;
  return Uint32Array.from(vector, (value) => {
    if (!Number.isFinite(value)) throw new FeatherdetError("an update holds a number that is not finite");
    return weight * roundHalfEven(steps * Math.min(range, Math.max(-range, value))) >>> 0;
  });
}

/** Adds integers modulo 2^32 to a sum. */
export function addFixed(sum: Uint32Array, more: Uint32Array, sign: 1 | -1 = 1): void {
  for (let i = 0; i < sum.length; i++) sum[i] += sign * more[i];
}

/** The weighted mean that a sum stands for, `weight` being the sum of the weights that are in it. */
export function fromFixed(sum: Uint32Array, weight: number, how: FixedPoint): Float64Array<ArrayBuffer> {
  const steps = stepsOf(how);
  return Float64Array.from(sum, (value) => (value | 0) / steps / weight);
}
