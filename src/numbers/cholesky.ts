/**
 * Systems of linear equations with symmetric positive definite matrices.
 *
 * @module
 */

/** Inner product of two runs of a list. */
function dot(data: Float64Array, a: number, b: number, count: number): number {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0, k = 0;
  for (; k + 3 < count; k += 4) {
    s0 += data[a + k] * data[b + k], s1 += data[a + k + 1] * data[b + k + 1];
    s2 += data[a + k + 2] * data[b + k + 2], s3 += data[a + k + 3] * data[b + k + 3];
  }
  for (; k < count; k++) s0 += data[a + k] * data[b + k];
  return s0 + s1 + (s2 + s3);
}

/**
 * The lower Cholesky factor of a symmetric positive definite matrix `[n, n]`, in its place; what is above the diagonal stays. It
 * holds NaN for a matrix that is not positive definite.
 */
export function factorise(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      matrix[i * n + j] = (matrix[i * n + j] - dot(matrix, i * n, j * n, j)) / matrix[j * n + j];
    }
    matrix[i * n + i] = Math.sqrt(matrix[i * n + i] - dot(matrix, i * n, i * n, i));
  }
}

/** Solves for `columns` right-hand sides `[n, columns]` in their place, by a Cholesky factor. */
export function solveFactorised(factor: Float64Array, n: number, right: Float64Array, columns: number): void {
  const subtract = (row: number, other: number, by: number) => {
    for (let c = 0; c < columns; c++) right[row * columns + c] -= by * right[other * columns + c];
  };
  const divide = (row: number) => {
    const by = 1 / factor[row * n + row];
    for (let c = 0; c < columns; c++) right[row * columns + c] *= by;
  };
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtract(i, k, factor[i * n + k]);
    divide(i);
  }
  for (let i = n - 1; i >= 0; i--) {
    divide(i);
    for (let k = 0; k < i; k++) subtract(k, i, factor[i * n + k]);
  }
}
