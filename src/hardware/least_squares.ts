/**
 * Nonlinear least squares: Levenberg's and Marquardt's damped steps with differences for derivatives.
 *
 * @module
 */

import { factorise, solveFactorised } from "../numbers/cholesky.ts";

/** How the search is bounded. */
export interface LeastSquaresOptions {
  /** Steps at most; 60 by default. */
  readonly steps?: number;
  /** The greatest change of a parameter in one step; 1 by default. */
  readonly reach?: number;
  /** The residuals after one parameter has moved, from those before it did: for residuals that depend on few parameters each. */
  readonly moved?: (parameters: readonly number[], index: number, before: Float64Array) => Float64Array;
}

/** Solves `A x = b` for a symmetric positive definite matrix; undefined if it is not definite. */
function solve(a: readonly Float64Array[], b: Float64Array): Float64Array | undefined {
  const n = b.length, factor = Float64Array.from(a.flatMap((row) => [...row])), x = Float64Array.from(b);
  factorise(factor, n);
  solveFactorised(factor, n, x, 1);
  return x.every(Number.isFinite) ? x : undefined;
}

const squared = (numbers: Float64Array) => numbers.reduce((sum, one) => sum + one * one, 0);

/**
 * The parameters near `start` at which the residuals have the least sum of squares. It ends where a step gains less than a part in a
 * million, so the answer is a minimum near by, not the least of all.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { leastSquares } from "./least_squares.ts";
 * const points = [[0, 2], [1, 1], [2, 0.5]];
 * const [scale, rate] = leastSquares([1, 1], ([a, b]) => Float64Array.from(points, ([x, y]) => a * Math.exp(-b * x) - y));
 * assert.ok(Math.abs(scale - 2) < 1e-4 && Math.abs(rate - Math.LN2) < 1e-4);
 * ```
 */
export function leastSquares(
  start: readonly number[],
  residuals: (parameters: readonly number[]) => Float64Array,
  { steps = 60, reach = 1, moved = residuals }: LeastSquaresOptions = {},
): number[] {
  let at = [...start], found = residuals(at), cost = squared(found), damping = 1e-2;
  const n = at.length, tiny = 1e-5;
  for (let step = 0; step < steps; step++) {
    const columns = at.map((value, i) => {
      const after = moved(at.with(i, value + tiny), i, found);
      return after.map((one, k) => (one - found[k]) / tiny);
    });
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, one, k) => sum + one * b[k], 0);
    const normal = columns.map((a) => Float64Array.from(columns, (b) => dot(a, b)));
    const slope = Float64Array.from(columns, (a) => -dot(a, found));
    let gained = 0;
    for (let attempt = 0; attempt < 8 && gained <= 0; attempt++) {
      const damped = normal.map((row, i) => row.with(i, row[i] * (1 + damping) + 1e-12));
      const move = solve(damped, slope);
      const next = move && at.map((value, i) => value + Math.max(-reach, Math.min(reach, move[i])));
      const there = next && residuals(next), less = there ? squared(there) : Infinity;
      if (next && there && less < cost) {
        gained = cost - less;
        [at, found, cost] = [next, there, less];
        damping /= 5;
      } else damping *= 5;
    }
    if (gained <= 1e-6 * cost || n === 0) break;
  }
  return at;
}
