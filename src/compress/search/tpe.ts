/**
 * The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"), over finite sets.
 *
 * Trials are parted into the best and the rest. Each part is a density, a product over dimensions. Of candidates drawn from the density of
 * the best, the one with the greatest ratio of both densities is proposed, which is that of the greatest expected improvement.
 *
 * @module
 */

import type { Random } from "../../numbers/random.ts";
import { fitToBudget, fullTrials, lossesOf, type SearchMethod, type SearchProblem } from "./problem.ts";
import { type Dimension, type Point, randomPoint } from "./space.ts";

/** Trials by chance before anything is estimated, candidates drawn for a proposal. */
const FIRST = 10, CANDIDATES = 24;

/** The best part: this share of the trials, at most so many. */
const BEST_SHARE = 0.15, MOST_BEST = 25;

/** Probabilities of the values of a dimension by what was tried, with one observation more that says nothing. */
function density({ values: { length: count }, ordered = true }: Dimension, tried: readonly number[]): Float64Array {
  const made = new Float64Array(count).fill(1 / count);
  const sorted = [...tried].sort((a, b) => a - b);
  const least = (count - 1) / Math.min(100, tried.length + 1), most = Math.max(1, count - 1);
  sorted.forEach((at, i) => {
    if (!ordered) {
      made[at] += 1;
      return;
    }
    // The kernel is as wide as the greater distance to a neighbour, the ends of the set among them.
    const below = at - (sorted[i - 1] ?? -1), above = (sorted[i + 1] ?? count) - at;
    const width = Math.min(most, Math.max(least, below, above, 0.5));
    const kernel = made.map((_, k) => Math.exp(-0.5 * ((k - at) / width) ** 2));
    const sum = kernel.reduce((total, one) => total + one, 0);
    kernel.forEach((one, k) => made[k] += one / sum);
  });
  return made.map((one) => one / (tried.length + 1));
}

function draw(probabilities: Float64Array, random: Random): number {
  let rest = random.next();
  for (const [i, one] of probabilities.entries()) if ((rest -= one) < 0) return i;
  return probabilities.length - 1;
}

/** The point with the greatest ratio of densities among those drawn. */
function proposed(problem: SearchProblem, best: readonly Point[], others: readonly Point[], random: Random): Point {
  const { dimensions } = problem.space;
  const good = dimensions.map((dimension, d) => density(dimension, best.map((point) => point[d])));
  const bad = dimensions.map((dimension, d) => density(dimension, others.map((point) => point[d])));
  let found: Point = [], greatest = -Infinity;
  for (let i = 0; i < CANDIDATES; i++) {
    const point = fitToBudget(problem, good.map((one) => draw(one, random)), random);
    const gain = point.reduce((sum, at, d) => sum + Math.log(good[d][at] / bad[d][at]), 0);
    if (gain > greatest) [found, greatest] = [point, gain];
  }
  return found;
}

/** The tree-structured Parzen estimator. It looks at the first aim and at full evaluations. */
export const TPE: SearchMethod = {
  name: "tpe",
  start: (problem) => ({
    propose(history, random) {
      const trials = fullTrials(history);
      if (trials.length < FIRST) return { point: randomPoint(problem.space, random) };
      const ranked = trials.map((trial) => ({ trial, loss: lossesOf(problem, trial)[0] }))
        .sort((a, b) => a.loss - b.loss || a.trial.number - b.trial.number).map(({ trial }) => trial.point);
      const count = Math.min(MOST_BEST, Math.ceil(BEST_SHARE * trials.length));
      return { point: proposed(problem, ranked.slice(0, count), ranked.slice(count), random) };
    },
  }),
};
