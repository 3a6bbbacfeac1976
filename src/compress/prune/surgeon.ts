/**
 * What channels are worth where those that are left make up for them: each channel is removed together with what a linear combination of
 * the others cannot be, and the others take over what they can (Hassibi and Stork 1993, "Optimal Brain Surgeon"; one after the other as in
 * Frantar and Alistarh 2022, "Optimal Brain Compression").
 *
 * @module
 */

import { factorise, solveFactorised } from "../../numbers/cholesky.ts";

/** Channels of a map, in groups that go together. */
export interface SurgeonChannels {
  /** What pictures say of them, `[channels, channels]`. */
  readonly covariance: ArrayLike<number>;
  /** The channels of each group. */
  readonly groups: readonly (readonly number[])[];
  /** What a group is worth where nothing makes up for it. */
  readonly worth: readonly number[];
}

/** The inverse of a symmetric positive definite matrix `[n, n]`, which is overwritten. */
function inverted(matrix: Float64Array, n: number): Float64Array {
  factorise(matrix, n);
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) result[i * n + i] = 1;
  solveFactorised(matrix, n, result, n);
  return result;
}

/** Channels of variance 1 of which some are gone, and what each that is left carries of all. */
class Shrinking {
  readonly #size: number;
  /** Inverse of the correlations of those that are left; rows and columns of others are not looked at. */
  readonly #inverse: Float64Array;
  /** `[channels, channels]`: how much of a channel that is left stands for each of all, by the root of what that is worth. */
  readonly #carries: Float64Array;
  readonly #isLeft: Uint8Array;

  constructor(correlations: Float64Array, worth: readonly number[], ridge: number) {
    const n = this.#size = worth.length, matrix = correlations.slice();
    for (let i = 0; i < n; i++) matrix[i * n + i] += ridge;
    this.#inverse = inverted(matrix, n);
    this.#carries = new Float64Array(n * n);
    for (let i = 0; i < n; i++) this.#carries[i * n + i] = Math.sqrt(worth[i]);
    this.#isLeft = new Uint8Array(n).fill(1);
  }

  /** Covariance of some channels that the others do not explain. */
  #unexplained(channels: readonly number[]): Float64Array {
    const q = channels.length, part = new Float64Array(q * q);
    channels.forEach((i, a) => channels.forEach((j, b) => part[a * q + b] = this.#inverse[i * this.#size + j]));
    return inverted(part, q);
  }

  /** What is lost when channels go. */
  cost(channels: readonly number[]): number {
    const n = this.#size, q = channels.length, unexplained = this.#unexplained(channels), carries = this.#carries;
    let sum = 0;
    for (const [a, row] of channels.entries()) {
      for (const [b, other] of channels.entries()) {
        let both = 0;
        for (let o = 0; o < n; o++) both += carries[row * n + o] * carries[other * n + o];
        sum += both * unexplained[a * q + b];
      }
    }
    return Math.max(0, sum);
  }

  /** Takes channels out. The others carry what they explain of them. */
  remove(channels: readonly number[]): void {
    const n = this.#size, q = channels.length, inverse = this.#inverse, carries = this.#carries;
    const unexplained = this.#unexplained(channels), by = new Float64Array(q);
    for (const channel of channels) this.#isLeft[channel] = 0;
    for (let i = 0; i < n; i++) {
      if (!this.#isLeft[i]) continue;
      by.fill(0);
      for (let a = 0; a < q; a++) {
        const shared = inverse[i * n + channels[a]];
        for (let b = 0; b < q; b++) by[b] += shared * unexplained[a * q + b];
      }
      for (let b = 0; b < q; b++) {
        const factor = by[b], from = channels[b] * n;
        for (let j = 0; j < n; j++) inverse[i * n + j] -= factor * inverse[from + j];
        for (let o = 0; o < n; o++) carries[i * n + o] -= factor * carries[from + o];
      }
    }
  }
}

/**
 * What each group is worth: they go one after the other, each time the one with which least is lost behind those that are gone, and a group
 * is worth what was lost with it then, or with one before it, if that was more. `ridge` is added to the variance of each channel, as a share
 * of it, so that few pictures do not make channels look alike; without end it leaves what the groups are worth by themselves.
 *
 * Nothing is lost with a channel that does not vary, whatever it is worth.
 */
export function surgeonScores({ covariance, groups, worth }: SurgeonChannels, ridge: number): number[] {
  const channels = groups.flat(), n = channels.length, size = Math.sqrt(covariance.length);
  const variance = (channel: number) => covariance[channel * size + channel];
  const correlations = new Float64Array(n * n);
  channels.forEach((i, a) =>
    channels.forEach((j, b) => {
      const spread = Math.sqrt(variance(i) * variance(j));
      correlations[a * n + b] = spread > 0 ? covariance[i * size + j] / spread : Number(a === b);
    })
  );
  const each = groups.flatMap((group, g) =>
    group.map((channel) => variance(channel) > 0 ? worth[g] / group.length / (1 + ridge) : 0)
  );
  const shrinking = new Shrinking(correlations, each, ridge);
  let first = 0, most = 0;
  const places = groups.map(({ length }) => Array.from({ length }, () => first++));
  const scores = new Array<number>(groups.length).fill(0), left = new Set(groups.keys());
  while (left.size > 0) {
    let least = Infinity, next = -1;
    for (const group of left) {
      const cost = shrinking.cost(places[group]);
      if (next < 0 || cost < least) [least, next] = [cost, group];
    }
    shrinking.remove(places[next]);
    left.delete(next);
    // Greater by a little, so that groups keep their order where they are sorted.
    scores[next] = most = Math.max(least, most * (1 + 1e-12));
  }
  return scores;
}
