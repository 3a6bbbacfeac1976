/**
 * Widths by a knapsack: each bundle has one width, the losses that were measured bundle by bundle add up, and their sum is least within
 * the budget.
 *
 * The knapsack itself is solved by dynamic programming over costs. Costs of a network do not add up, since a layer lies between two
 * bundles: they are taken as sums around widths that come from the round before, and what the rounds give is improved by exchanging
 * steps of two bundles under the true cost.
 *
 * @module
 */

import { lossAt, scanSensitivity } from "./sensitivity.ts";
import type { CostModel } from "./select.ts";
import type { WidthProblem } from "./width_problem.ts";
import type { Widths } from "./widths.ts";

/** One way to fill a place of a knapsack. */
export interface KnapsackChoice {
  readonly cost: number;
  readonly loss: number;
}

/** Most partial sums that are kept: with fewer the solution is exact. */
const STATES = 1024;

/** Most rounds of taking costs as sums. */
const ROUNDS = 10;

/** Most times that all exchanges are tried. */
const SWEEPS = 8;

interface State extends KnapsackChoice {
  readonly pick: number;
  readonly before: State | undefined;
}

/** States of which none is both dearer and worse than another, in the order of cost; of many, the best of each of `STATES` ranges of cost. */
function thinned(states: State[]): State[] {
  states.sort((a, b) => a.cost - b.cost || a.loss - b.loss);
  const front: State[] = [];
  for (const one of states) if (front.length === 0 || one.loss < front.at(-1)!.loss) front.push(one);
  if (front.length <= STATES) return front;
  const first = front[0].cost, width = (front.at(-1)!.cost - first) / STATES;
  // Within a range the last one has the least loss; the cheapest of all stays, so that what can be met stays so.
  const last = new Map(front.map((one) => [Math.min(STATES - 1, Math.floor((one.cost - first) / width)), one]));
  return [...new Set([front[0], ...last.values()])];
}

/**
 * Picks one choice for each place, by its number, so that costs add up to at most `most` and losses to as little as possible. Exact with
 * up to `STATES` partial sums that are worth keeping. Undefined where even the cheapest choices cost more.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { solveKnapsack } from "./knapsack.ts";
 * const whole = { cost: 4, loss: 0 };
 * assert.deepEqual(solveKnapsack([[whole, { cost: 1, loss: 3 }], [whole, { cost: 2, loss: 1 }]], 6), [0, 1]);
 * ```
 */
export function solveKnapsack(
  places: readonly (readonly KnapsackChoice[])[],
  most: number,
): readonly number[] | undefined {
  const cheapest = places.map((choices) => Math.min(...choices.map(({ cost }) => cost)));
  let rest = cheapest.reduce((sum, cost) => sum + cost, 0);
  const limit = most + 1e-12 * Math.abs(most);
  let states: State[] = [{ cost: 0, loss: 0, pick: -1, before: undefined }];
  for (const [place, choices] of places.entries()) {
    rest -= cheapest[place];
    const next: State[] = [];
    for (const before of states) {
      for (const [pick, choice] of choices.entries()) {
        const cost = before.cost + choice.cost;
        if (cost + rest <= limit) next.push({ cost, loss: before.loss + choice.loss, pick, before });
      }
    }
    states = thinned(next);
    if (states.length === 0) return undefined;
  }
  const picks: number[] = [];
  for (let at: State | undefined = states.at(-1)!; at?.before; at = at.before) picks.unshift(at.pick);
  return picks;
}

/** Widths of least loss, and what is lost. */
export interface LeastLoss {
  /** Widths that each bundle may have, the whole one first, falling. */
  readonly options: readonly (readonly number[])[];
  /** What a bundle's width loses, by the number of the width; 0 for the first. */
  readonly losses: readonly (readonly number[])[];
  /** The true cost. */
  readonly model: Pick<CostModel, "cost">;
  /** The most that it may be. */
  readonly most: number;
}

/** A search over numbers of widths. */
class Exchange {
  readonly #problem: LeastLoss;

  constructor(problem: LeastLoss) {
    this.#problem = problem;
  }

  cost(picks: readonly number[]): number {
    return this.#problem.model.cost(picks.map((pick, bundle) => this.#problem.options[bundle][pick]));
  }

  loss(picks: readonly number[]): number {
    return picks.reduce((sum, pick, bundle) => sum + this.#problem.losses[bundle][pick], 0);
  }

  isMet(picks: readonly number[]): boolean {
    return this.cost(picks) <= this.#problem.most * (1 + 1e-12);
  }

  /** Steps down, each the one that loses least for what it saves, until the budget is met or nothing saves any more. */
  lowered(picks: readonly number[]): readonly number[] {
    const { options, losses } = this.#problem;
    for (let now = picks;;) {
      if (this.isMet(now)) return now;
      const cost = this.cost(now);
      let best: readonly number[] | undefined, least = Infinity;
      for (const [bundle, pick] of now.entries()) {
        // A step that saves nothing by itself may be on the way to one that does.
        for (let to = pick + 1; to < options[bundle].length; to++) {
          const candidate = now.with(bundle, to), saved = cost - this.cost(candidate);
          if (!(saved > 0)) continue;
          const price = (losses[bundle][to] - losses[bundle][pick]) / saved;
          if (price < least) [best, least] = [candidate, price];
          break;
        }
      }
      if (!best) return now;
      now = best;
    }
  }

  /** A bundle as wide as the budget allows, if it loses less then than `least`. Wider ones lose less and cost more. */
  #raised(picks: readonly number[], bundle: number, least: number): readonly number[] | undefined {
    let low = 0, high = picks[bundle];
    while (low < high) {
      const middle = low + high >> 1;
      if (this.isMet(picks.with(bundle, middle))) high = middle;
      else low = middle + 1;
    }
    const candidate = picks.with(bundle, high);
    return this.loss(candidate) < least && this.isMet(candidate) ? candidate : undefined;
  }

  /** Widths within the budget with less loss, as far as raising a bundle, or lowering one by a step and raising another, leads. */
  improved(picks: readonly number[]): readonly number[] {
    const { options, losses } = this.#problem;
    let now = picks;
    const take = (candidate: readonly number[] | undefined) => {
      if (candidate) now = candidate;
      return candidate !== undefined;
    };
    for (let sweep = 0, changed = true; changed && sweep < SWEEPS; sweep++) {
      changed = false;
      for (const bundle of picks.keys()) {
        if (take(this.#raised(now, bundle, this.loss(now) * (1 - 1e-9)))) changed = true;
      }
      for (const bundle of picks.keys()) {
        for (const other of picks.keys()) {
          const least = this.loss(now) * (1 - 1e-9), down = now[bundle] + 1;
          if (other === bundle || down >= options[bundle].length) continue;
          const paid = losses[bundle][down] - losses[bundle][now[bundle]];
          // No exchange gives back more than all that the other one loses.
          if (losses[other][now[other]] <= paid) continue;
          if (take(this.#raised(now.with(bundle, down), other, least))) changed = true;
        }
      }
    }
    return now;
  }
}

/** Numbers of the widths of least summed loss within a true cost; those of least cost where it cannot be met. */
export function leastLoss(problem: LeastLoss): readonly number[] {
  const { options, losses, most } = problem, exchange = new Exchange(problem);
  const least = options.map((widths) => widths.length - 1);
  let around: readonly number[] = options.map(() => 0), best: readonly number[] | undefined;
  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS && !seen.has(String(around)); round++) {
    seen.add(String(around));
    const base = exchange.cost(around);
    const places = options.map((widths, bundle) =>
      widths.map((_, pick) => ({
        cost: exchange.cost(around.with(bundle, pick)) - base,
        loss: losses[bundle][pick],
      }))
    );
    const picks = solveKnapsack(places, most - base) ?? least;
    const met = exchange.lowered(picks);
    if (exchange.isMet(met)) {
      if (!best || exchange.loss(met) < exchange.loss(best)) best = met;
    }
    around = picks;
  }
  return best ? exchange.improved(best) : least;
}

/** Chooses widths by a knapsack over the measured sensitivities of the bundles; those of least cost where the budget cannot be met. */
export async function chooseByKnapsack(problem: WidthProblem): Promise<Widths> {
  const { whole, ladders, budget: { model, most }, settle } = problem;
  const sensitivities = await scanSensitivity(problem);
  const options = ladders.map(({ steps }, bundle) => [whole[bundle], ...steps]);
  const losses = options.map((widths, bundle) =>
    widths.map((width) => lossAt(sensitivities, bundle, whole[bundle], width))
  );
  for (;;) {
    const picks = leastLoss({ options, losses, model, most });
    const widths = picks.map((pick, bundle) => options[bundle][pick]);
    // The cost of what was chosen is asked for once more, by those who check it.
    model.cost(widths);
    if (!await settle?.()) return widths;
  }
}
