/**
 * Simulated annealing of a QUBO (Kirkpatrick et al. 1983): variables are turned over one by one, at falling temperature.
 *
 * @module
 */

import type { Random } from "../../../numbers/random.ts";
import type { Qubo } from "./qubo.ts";

/** How a problem is annealed. */
export interface AnnealOptions {
  /** Times that every variable is looked at; 200 by default. */
  readonly sweeps?: number;
  /** Runs from other beginnings; 4 by default. */
  readonly restarts?: number;
  /** What the first run begins with, 1 for true; by chance by default. */
  readonly start?: ArrayLike<number>;
}

/** A solution. */
export interface Annealed {
  /** The variables. */
  readonly x: Uint8Array;
  /** What they give. */
  readonly energy: number;
}

/** Pairs of each variable. */
function neighboursOf(qubo: Qubo) {
  const neighbours = Array.from({ length: qubo.size }, () => ({ at: [] as number[], factors: [] as number[] }));
  for (const [i, j, factor] of qubo.pairs()) {
    neighbours[i].at.push(j), neighbours[i].factors.push(factor);
    neighbours[j].at.push(i), neighbours[j].factors.push(factor);
  }
  return neighbours;
}

/** Temperatures: at the first one the greatest change is taken often, at the last one the least change hardly ever. */
function temperatures({ linear }: Qubo, neighbours: ReturnType<typeof neighboursOf>): readonly [number, number] {
  let most = 0, least = Infinity;
  for (const [i, own] of linear.entries()) {
    const sizes = [own, ...neighbours[i].factors].map(Math.abs).filter((one) => one > 0);
    if (sizes.length === 0) continue;
    most = Math.max(most, sizes.reduce((sum, one) => sum + one, 0));
    least = Math.min(least, ...sizes);
  }
  return most === 0 ? [1, 1] : [most / Math.LN2, Math.max(least, 1e-9 * most) / Math.log(100)];
}

/**
 * The best values that annealing finds. The same random numbers give the same solution.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { Random } from "../../../numbers/random.ts";
 * import { anneal } from "./anneal.ts";
 * import { Qubo } from "./qubo.ts";
 * const qubo = new Qubo(3);
 * qubo.addSquare([2, 3, 4], 7, 1); // a sum of 7
 * assert.deepEqual([...anneal(qubo, new Random(1)).x], [0, 1, 1]);
 * ```
 */
export function anneal(
  qubo: Qubo,
  random: Random,
  { sweeps = 200, restarts = 4, start }: AnnealOptions = {},
): Annealed {
  const { size } = qubo, neighbours = neighboursOf(qubo), [hot, cold] = temperatures(qubo, neighbours);
  let best = new Uint8Array(size), least = Infinity;
  for (let run = 0; run < restarts; run++) {
    const x = Uint8Array.from({ length: size }, (_, i) => run === 0 && start ? Number(start[i]) : random.integer(2));
    // What the energy gains when a variable is true, by what the others are.
    const fields = Float64Array.from(qubo.linear);
    for (let i = 0; i < size; i++) {
      const { at, factors } = neighbours[i];
      if (x[i]) at.forEach((j, k) => fields[j] += factors[k]);
    }
    let energy = qubo.energy(x);
    const keep = () => {
      if (energy < least) [best, least] = [x.slice(), energy];
    };
    keep();
    for (let sweep = 0; sweep < sweeps; sweep++) {
      const temperature = hot * (cold / hot) ** (sweep / Math.max(1, sweeps - 1));
      for (let i = 0; i < size; i++) {
        const change = x[i] ? -fields[i] : fields[i];
        if (change > 0 && random.next() >= Math.exp(-change / temperature)) continue;
        const sign = x[i] ? -1 : 1, { at, factors } = neighbours[i];
        x[i] = 1 - x[i];
        energy += change;
        for (let k = 0; k < at.length; k++) fields[at[k]] += sign * factors[k];
      }
      keep();
    }
  }
  return { x: best, energy: qubo.energy(best) };
}
