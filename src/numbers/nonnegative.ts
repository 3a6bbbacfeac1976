/**
 * Linear least squares with coefficients that are not negative (Lawson and Hanson 1974, "Solving Least Squares Problems", chapter 23).
 *
 * @module
 */

import { factorise, solveFactorised } from "./cholesky.ts";

/** Share of a column's square that is added to the diagonal, so that columns that say the same have a solution. */
const RIDGE = 1e-9;

/** Solves the normal equations of some columns. */
function solve(normal: readonly Float64Array[], right: Float64Array, columns: readonly number[]): Float64Array {
  const n = columns.length, matrix = new Float64Array(n * n);
  columns.forEach((a, i) => columns.forEach((b, j) => matrix[i * n + j] = normal[a][b] * (i === j ? 1 + RIDGE : 1)));
  const found = Float64Array.from(columns, (a) => right[a]);
  factorise(matrix, n);
  solveFactorised(matrix, n, found, 1);
  return found;
}

/**
 * The coefficients, none of them negative, at which `rows x coefficients` has the least sum of squared differences from `values`. Rows are
 * of one length; columns of zeros get 0.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { nonNegativeLeastSquares } from "./nonnegative.ts";
 * const [a, b] = nonNegativeLeastSquares([[1, 1], [1, 2], [1, 3]], [5, 7, 9]);
 * assert.ok(Math.abs(a - 3) < 1e-6 && Math.abs(b - 2) < 1e-6);
 * // The best line would fall: the best that does not is level.
 * assert.equal(nonNegativeLeastSquares([[1, 1], [1, 2], [1, 3]], [9, 7, 5])[1], 0);
 * ```
 */
export function nonNegativeLeastSquares(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  const n = rows[0]?.length ?? 0;
  // Columns of one length, so that numbers of any unit are alike to the solver.
  const scales = Array.from({ length: n }, (_, i) => Math.hypot(...rows.map((row) => row[i])));
  const used = scales.flatMap((scale, i) => scale > 0 ? [i] : []);
  const normal = used.map((a) =>
    Float64Array.from(used, (b) => rows.reduce((sum, row) => sum + row[a] / scales[a] * (row[b] / scales[b]), 0))
  );
  const right = Float64Array.from(
    used,
    (a) => rows.reduce((sum, row, k) => sum + row[a] / scales[a] * values[k], 0),
  );
  const at = new Float64Array(used.length), passive: number[] = [];
  const gradient = (i: number) => right[i] - normal[i].reduce((sum, one, j) => sum + one * at[j], 0);
  const tolerance = 1e-10 * Math.hypot(...values);
  for (let step = 0; step < 10 * used.length; step++) {
    const free = used.map((_, i) => i).filter((i) => !passive.includes(i));
    const best = free.reduce((most, i) => most < 0 || gradient(i) > gradient(most) ? i : most, -1);
    if (best < 0 || gradient(best) <= tolerance) break;
    passive.push(best);
    for (;;) {
      const wanted = solve(normal, right, passive);
      const negative = passive.flatMap((column, k) => wanted[k] <= 0 ? [{ column, k }] : []);
      if (negative.length === 0) {
        at.fill(0);
        passive.forEach((column, k) => at[column] = wanted[k]);
        break;
      }
      // As far towards the solution as no coefficient becomes negative; those that became zero leave.
      const part = Math.min(...negative.map(({ column, k }) => at[column] / (at[column] - wanted[k])));
      passive.forEach((column, k) => at[column] += part * (wanted[k] - at[column]));
      const gone = passive.filter((column, k) => wanted[k] <= 0 && at[column] <= 1e-12);
      for (const column of gone) {
        at[column] = 0;
        passive.splice(passive.indexOf(column), 1);
      }
      if (passive.length === 0) break;
    }
  }
  const result = new Array<number>(n).fill(0);
  used.forEach((column, i) => result[column] = at[i] / scales[column]);
  return result;
}
