/** Least squares without negative coefficients against the best of all sets of columns. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { nonNegativeLeastSquares } from "../../src/numbers/nonnegative.ts";
import { Random } from "../../src/numbers/random.ts";

/** Solves a small system by Gauss's elimination with the greatest pivot. */
function eliminate(matrix: number[][], right: number[]): number[] {
  const n = right.length, rows = matrix.map((row, i) => [...row, right[i]]);
  for (let i = 0; i < n; i++) {
    const pivot = rows.slice(i).reduce((best, row, k) => Math.abs(row[i]) > Math.abs(rows[best][i]) ? i + k : best, i);
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const by = rows[k][i] / rows[i][i];
      rows[k] = rows[k].map((one, j) => one - by * rows[i][j]);
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

const errorOf = (rows: readonly (readonly number[])[], values: readonly number[], at: readonly number[]) =>
  rows.reduce((sum, row, k) => sum + (row.reduce((all, one, i) => all + one * at[i], 0) - values[k]) ** 2, 0);

/** The least error of any set of columns whose own solution has no negative coefficient. */
function leastError(rows: readonly (readonly number[])[], values: readonly number[]): number {
  const n = rows[0].length;
  let least = errorOf(rows, values, new Array(n).fill(0));
  for (let set = 1; set < 1 << n; set++) {
    const columns = Array.from({ length: n }, (_, i) => i).filter((i) => set >> i & 1);
    const product = (a: number, b: number) => rows.reduce((sum, row) => sum + row[a] * row[b], 0);
    const found = eliminate(
      columns.map((a) => columns.map((b) => product(a, b))),
      columns.map((a) => rows.reduce((sum, row, k) => sum + row[a] * values[k], 0)),
    );
    if (!found.every((one) => one >= 0)) continue;
    const at = new Array(n).fill(0);
    columns.forEach((column, i) => at[column] = found[i]);
    least = Math.min(least, errorOf(rows, values, at));
  }
  return least;
}

Deno.test("no set of columns without negative coefficients comes nearer", () => {
  const random = new Random(3);
  let zeros = 0;
  for (let round = 0; round < 60; round++) {
    const n = 1 + round % 5, scale = Array.from({ length: n }, () => 10 ** (6 * random.next() - 3));
    // The last column is nearest to the values until the others are in; then it has to leave again.
    const parts = Array.from({ length: 13 }, () => Array.from({ length: n }, () => random.next() - 0.3));
    const sums = parts.map((row) => row.slice(0, -1).reduce((sum, one) => sum + one, 0));
    const rows = parts.map((row, k) =>
      [...row.slice(0, -1), sums[k] + 0.5 * row[n - 1]].map((one, i) => scale[i] * one)
    );
    const values = parts.map((row, k) => sums[k] - 0.5 * row[n - 1] + 0.2 * random.next());
    const found = nonNegativeLeastSquares(rows, values);
    assert(found.every((one) => one >= 0));
    zeros += found.filter((one) => one === 0).length;
    assertAlmostEquals(errorOf(rows, values, found), leastError(rows, values), 1e-7);
  }
  assert(zeros > 20);
});

Deno.test("columns that say the same share, columns of zeros get nothing, and no rows no columns", () => {
  const [a, b, c] = nonNegativeLeastSquares([[1, 2, 0], [2, 4, 0], [3, 6, 0]], [4, 8, 12]);
  assertAlmostEquals(a + 2 * b, 4, 1e-6);
  assertEquals([c, nonNegativeLeastSquares([], [])], [0, []]);
  assertEquals(nonNegativeLeastSquares([[1], [2]], [-1, -2]), [0]);
});
