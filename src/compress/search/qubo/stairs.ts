/**
 * Choices of one value out of an ordered set as binary variables: value k is chosen where the first k variables are true and the others
 * are not. Costs that do not add up are taken as sums around a candidate.
 *
 * @module
 */

import { Qubo } from "./qubo.ts";

/** A number of choices, each among so many values. */
export interface Stairs {
  /** Number of values of each choice. */
  readonly counts: readonly number[];
  /** First variable of each choice. */
  readonly first: readonly number[];
  /** Number of variables. */
  readonly size: number;
}

/** The variables of choices among so many values each. */
export function stairsOf(counts: readonly number[]): Stairs {
  const first: number[] = [];
  let size = 0;
  for (const count of counts) {
    first.push(size);
    size += count - 1;
  }
  return { counts, first, size };
}

/** The variables of chosen values. */
export function bitsOf({ counts, first, size }: Stairs, picks: readonly number[]): Uint8Array {
  const x = new Uint8Array(size);
  counts.forEach((_, c) => x.fill(1, first[c], first[c] + picks[c]));
  return x;
}

/** The chosen values of variables; where a variable is true behind a false one, as many as are true. */
export function picksOf({ counts, first }: Stairs, x: ArrayLike<number>): number[] {
  return counts.map((count, c) => {
    let pick = 0;
    for (let k = 0; k < count - 1; k++) pick += x[first[c] + k];
    return pick;
  });
}

/** What the problem of a choice is made of. */
export interface StairsProblem {
  /** What each variable brings when it is true: that of its step. */
  readonly gains: readonly number[];
  /** The true cost of chosen values; grows with each. */
  readonly cost: (picks: readonly number[]) => number;
  /** The most that it may be. */
  readonly most: number;
  /** Chosen values around which costs are taken as sums. */
  readonly around: readonly number[];
  /** Weight of the budget's penalty, times the sum of the gains; 10 by default. */
  readonly penalty?: number;
}

/** What each step costs around chosen values: the change of the whole cost when this choice alone goes from one value to the next. */
function stepCosts({ counts, first, size }: Stairs, { cost, around }: StairsProblem): number[] {
  const made = new Array<number>(size).fill(0), picks = [...around];
  counts.forEach((count, c) => {
    let before = 0;
    for (let value = 0; value < count; value++) {
      picks[c] = value;
      const now = cost(picks);
      if (value > 0) made[first[c] + value - 1] = now - before;
      before = now;
    }
    picks[c] = around[c];
  });
  return made;
}

/**
 * The choice as a QUBO: gains are to be as great as possible, the square of what the costs are off the budget is a penalty, and so is a
 * step above one that is not taken.
 */
export function stairsQubo(stairs: Stairs, problem: StairsProblem): Qubo {
  const { counts, first, size } = stairs, { gains, around, most, cost, penalty = 10 } = problem;
  const qubo = new Qubo(size), scale = gains.reduce((sum, gain) => sum + Math.abs(gain), 0) || 1;
  gains.forEach((gain, i) => qubo.add(i, i, -gain));
  const costs = stepCosts(stairs, problem), x = bitsOf(stairs, around);
  // The sum equals the true cost at the candidate that it is taken around.
  const base = cost(around) - costs.reduce((sum, one, i) => sum + one * x[i], 0), target = most - base;
  const unit = Math.abs(target) || 1;
  qubo.addSquare(costs.map((one) => one / unit), target / unit, penalty * scale);
  const greatest = Math.max(...gains.map(Math.abs), 1e-12);
  const units = costs.map((one) => Math.abs(one) / unit), highest = Math.max(...units);
  // A step above a missing one costs more than what exchanging the two could bring, budget included.
  counts.forEach((count, c) => {
    for (let k = 1; k < count - 1; k++) {
      const at = first[c] + k, apart = Math.abs(units[at] - units[at - 1]);
      const weight = 2 * greatest + penalty * scale * apart * (apart + 2 * highest) + 1e-9 * scale;
      qubo.add(at, at, weight);
      qubo.add(at - 1, at, -weight);
    }
  });
  return qubo;
}
