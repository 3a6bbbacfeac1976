/**
 * Differential privacy of federated training: clipped contributions, Gaussian noise, and an accountant of what that gives.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/** How private rounds are. */
export interface PrivacySettings {
  /** Greatest length of a client's contribution. */
  readonly clip: number;
  /** Standard deviation of the noise of the sum, in lengths of `clip`. */
  readonly noise: number;
  /** Probability of "not private" (delta). */
  readonly delta: number;
}

/** Euclidean length. */
export function norm(vector: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i] ** 2;
  return Math.sqrt(sum);
}

/** A vector shortened to a length, if it is longer. */
export function clipped(vector: ArrayLike<number>, length: number): Float32Array<ArrayBuffer> {
  const factor = Math.min(1, length / norm(vector));
  return Float32Array.from(vector, (value) => factor * value);
}

/** Two numbers of the normal distribution from a system's secure random numbers (Box-Muller): noise that nobody can foretell. */
function securePair(bits: Uint32Array, at: number): [number, number] {
  const uniform = (i: number) => (bits[i] * 2 ** 21 + (bits[i + 1] >>> 11) + 0.5) / 2 ** 53;
  const radius = Math.sqrt(-2 * Math.log(uniform(at))), angle = 2 * Math.PI * uniform(at + 2);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Numbers of the normal distribution that nobody can foretell. Their bits are those of doubles, which leaves Mironov's attack of 2012. */
export function secureNormal(length: number): Float64Array<ArrayBuffer> {
  const numbers = new Float64Array(length), bits = new Uint32Array(16_384);
  for (let i = 0; i < length; i += 2) {
    const at = 2 * i % bits.length;
    if (at === 0) crypto.getRandomValues(bits);
    const [first, second] = securePair(bits, at);
    numbers[i] = first;
    if (i + 1 < length) numbers[i + 1] = second;
  }
  return numbers;
}

/** Orders of Renyi divergence that are tried: those of Opacus and TensorFlow Privacy. */
export const ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({ length: 52 }, (_, i) => 12 + i),
];

const logAdd = (a: number, b: number) => {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
};

/** log(exp(a) - exp(b)), a >= b. */
const logSubtract = (a: number, b: number) => {
  if (b === -Infinity) return a;
  return a === b ? -Infinity : a + Math.log(-Math.expm1(b - a));
};

/** log erfc, by its series far from zero, where erfc itself is too small for a double. */
function logErfc(x: number): number {
  if (x < 5) return Math.log(erfc(x));
  const s = 1 / (x * x);
  const series = 1 - s / 2 * (1 - 1.5 * s * (1 - 2.5 * s * (1 - 3.5 * s)));
  return -x * x - Math.log(x) - Math.log(Math.PI) / 2 + Math.log(series);
}

/** The complementary error function: Taylor's series near zero, Lentz's continued fraction far from it. */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    let term = x, sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 1 - 2 / Math.sqrt(Math.PI) * sum;
  }
  let fraction = x;
  for (let n = 120; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** log of the moment of a whole order (Mironov, Talwar and Zhang 2019, https://arxiv.org/abs/1908.10530, section 3.3). */
function logMomentWhole(share: number, noise: number, order: number): number {
  let sum = -Infinity, logBinomial = 0;
  for (let i = 0; i <= order; i++) {
    if (i > 0) logBinomial += Math.log(order - i + 1) - Math.log(i);
    const term = logBinomial + i * Math.log(share) + (order - i) * Math.log1p(-share);
    sum = logAdd(sum, term + (i * i - i) / (2 * noise ** 2));
  }
  return sum;
}

/** log of the moment of an order with a fraction: two series, of the parts below and above the point where both densities are equal. */
function logMomentFraction(share: number, noise: number, order: number): number {
  const middle = noise ** 2 * Math.log(1 / share - 1) + 0.5, root = Math.SQRT2 * noise;
  let below = -Infinity, above = -Infinity, binomial = 1;
  for (let i = 0;; i++) {
    if (i > 0) binomial *= (order - i + 1) / i;
    const size = Math.log(Math.abs(binomial)), j = order - i;
    const low = size + i * Math.log(share) + j * Math.log1p(-share) + Math.log(0.5) + logErfc((i - middle) / root) +
      (i * i - i) / (2 * noise ** 2);
    const high = size + j * Math.log(share) + i * Math.log1p(-share) + Math.log(0.5) + logErfc((middle - j) / root) +
      (j * j - j) / (2 * noise ** 2);
    below = binomial > 0 ? logAdd(below, low) : logSubtract(below, low);
    above = binomial > 0 ? logAdd(above, high) : logSubtract(above, high);
    if (Math.max(low, high) < -30 && i > order) return logAdd(below, above);
  }
}

/**
 * Renyi divergence of one round in which each client takes part with probability `share`: the Gaussian mechanism with Poisson sampling. `noise`
 * is its standard deviation in lengths of the clip.
 */
export function renyiOfRound(share: number, noise: number, order: number): number {
  if (share === 0) return 0;
  if (noise === 0) return Infinity;
  if (share === 1) return order / (2 * noise ** 2);
  const log = Number.isInteger(order) ? logMomentWhole(share, noise, order) : logMomentFraction(share, noise, order);
  return log / (order - 1);
}

/** What rounds have given away. */
export interface PrivacySpent {
  /** Greatest logarithm of the ratio of probabilities that one client can make. */
  readonly epsilon: number;
  /** Probability that it is more. */
  readonly delta: number;
  /** The order that gives the least epsilon. */
  readonly order: number;
}

/**
 * The epsilon of rounds of the Gaussian mechanism with Poisson sampling, by Renyi divergence (Mironov 2017; Mironov, Talwar and Zhang 2019).
 * `conversion`: `tight` by Balle et al. 2020 (theorem 21), as Opacus and TensorFlow Privacy have it today; `classic` by Mironov 2017.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { privacySpent } from "./privacy.ts";
 * // TensorFlow Privacy's tutorial on MNIST: 60 epochs of 60000 pictures, lots of 256, noise 1.1: epsilon 3.01 at delta 1e-5.
 * const spent = privacySpent({ share: 256 / 60000, noise: 1.1, rounds: 60 * 60000 / 256, delta: 1e-5 }, "classic");
 * assert.ok(Math.abs(spent.epsilon - 3.01) < 0.01);
 * ```
 *
 * Throws FeatherdetError for shares outside 0..1, delta outside 0..1 and negative noise.
 */
export function privacySpent(
  { share, noise, rounds, delta }: {
    readonly share: number;
    readonly noise: number;
    readonly rounds: number;
    readonly delta: number;
  },
  conversion: "tight" | "classic" = "tight",
): PrivacySpent {
  if (!(share >= 0 && share <= 1)) throw new FeatherdetError(`the share of clients is ${share}, expected 0 to 1`);
  if (!(delta > 0 && delta < 1)) throw new FeatherdetError(`delta is ${delta}, expected a probability`);
  if (!(noise >= 0)) throw new FeatherdetError(`the noise is ${noise}, expected no less than 0`);
  let best: PrivacySpent = { epsilon: Infinity, delta, order: ORDERS[0] };
  for (const order of ORDERS) {
    const renyi = rounds * renyiOfRound(share, noise, order);
    const more = conversion === "classic"
      ? -Math.log(delta) / (order - 1)
      : Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
    const epsilon = Math.max(0, renyi + more);
    if (epsilon < best.epsilon) best = { epsilon, delta, order };
  }
  return best;
}
