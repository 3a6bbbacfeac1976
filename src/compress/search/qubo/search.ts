/**
 * Search by a QUBO: what each step of each dimension brings is estimated from the trials, the choice of all steps within the budget is a
 * QUBO, and annealing it gives the next candidate.
 *
 * The estimate is a ridge regression over the steps, and what is proposed is best for one draw of what the steps may bring, so that steps
 * of which little is known are tried (Thompson 1933).
 *
 * @module
 */

import { factorise, solveFactorised } from "../../../numbers/cholesky.ts";
import type { Random } from "../../../numbers/random.ts";
import { fullTrials, lossesOf, type SearchMethod, type SearchProblem, type Trial } from "../problem.ts";
import { cheapestPoint, dearestPoint, type Point, randomPoint } from "../space.ts";
import { anneal } from "./anneal.ts";
import { bitsOf, picksOf, type Stairs, stairsOf, stairsQubo } from "./stairs.ts";

/** Trials by chance before anything is estimated, and the ridge in shares of a trial. */
const FIRST = 10, RIDGE = 1;

/** Times that costs are taken as sums around what came out. */
const ROUNDS = 3;

/** Gains of the steps for one draw of what they may be, by all trials. */
function drawnGains(problem: SearchProblem, stairs: Stairs, trials: readonly Trial[], random: Random): number[] {
  const { size } = stairs, rows = trials.map(({ point }) => bitsOf(stairs, point));
  const targets = trials.map((trial) => -lossesOf(problem, trial)[0]);
  const mean = targets.reduce((sum, one) => sum + one, 0) / targets.length;
  const means = Float64Array.from({ length: size }, (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  const matrix = new Float64Array(size * size), right = new Float64Array(size);
  for (const [r, row] of rows.entries()) {
    const centred = Float64Array.from(row, (one, i) => one - means[i]);
    for (let i = 0; i < size; i++) {
      right[i] += centred[i] * (targets[r] - mean);
      for (let j = 0; j <= i; j++) matrix[i * size + j] += centred[i] * centred[j];
    }
  }
  for (let i = 0; i < size; i++) matrix[i * size + i] += RIDGE;
  factorise(matrix, size);
  const gains = right.slice();
  solveFactorised(matrix, size, gains, 1);
  let squares = 0;
  for (const [r, row] of rows.entries()) {
    let predicted = mean;
    for (let i = 0; i < size; i++) predicted += gains[i] * (row[i] - means[i]);
    squares += (targets[r] - predicted) ** 2;
  }
  const noise = Math.sqrt(squares / rows.length);
  // A normal draw of this covariance: noise times the transposed inverse of the factor, times unit normals.
  const normal = Float64Array.from({ length: size }, () => random.normal());
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) normal[i] -= matrix[k * size + i] * normal[k];
    normal[i] /= matrix[i * size + i];
  }
  return Array.from(gains, (gain, i) => gain + noise * normal[i]);
}

/** The candidate that annealing finds for gains of the steps. */
function annealed(
  problem: SearchProblem,
  stairs: Stairs,
  gains: readonly number[],
  start: Point,
  random: Random,
): Point {
  const dearest = dearestPoint(problem.space), cheapest = cheapestPoint(problem.space);
  const { cost = () => 0, most = Infinity } = problem;
  const isBound = Number.isFinite(most) && cost(dearest) > cost(cheapest);
  let around = start;
  for (let round = 0; round < (isBound ? ROUNDS : 1); round++) {
    const qubo = stairsQubo(stairs, {
      ...{ gains, around, cost, most: isBound ? most : 0, penalty: isBound ? 10 : 0 },
    });
    around = picksOf(stairs, anneal(qubo, random, { sweeps: 60, restarts: 2, start: bitsOf(stairs, around) }).x);
  }
  return around;
}

/** Search by a QUBO that is estimated from the trials. It looks at the first aim and at full evaluations, and takes all values as ordered. */
export const QUBO: SearchMethod = {
  name: "qubo",
  start(problem) {
    const stairs = stairsOf(problem.space.dimensions.map(({ values }) => values.length));
    return {
      propose(history, random) {
        const trials = fullTrials(history);
        if (trials.length < FIRST || stairs.size === 0) return { point: randomPoint(problem.space, random) };
        const best = trials.reduce((a, b) => lossesOf(problem, b)[0] < lossesOf(problem, a)[0] ? b : a);
        return { point: annealed(problem, stairs, drawnGains(problem, stairs, trials, random), best.point, random) };
      },
    };
  },
};
