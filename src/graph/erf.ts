/**
 * The error function in float64.
 *
 * @module
 */

/** 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x; to about 1e-15. */
export function erf(x: number): number {
  const size = Math.abs(x);
  // Beyond this float64 holds 1.
  if (size > 6) return Math.sign(x);
  // All terms of exp(-x^2) * sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)) are of one sign, so that nothing cancels.
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return Number.isNaN(x) ? NaN : 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}
