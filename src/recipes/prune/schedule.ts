/**
 * How much is left after each round of progressive pruning.
 *
 * @module
 */

import type { BudgetKind, PruneBudget } from "../../compress/prune/mod.ts";
import { FeatherdetError } from "../../graph/mod.ts";

/** Shapes of the way to the budget. */
export type PruneSchedule = "equal" | "cubic";

/**
 * The budgets of all rounds, as shares of the whole model; the last one is that asked for.
 *
 * `equal` takes the same share of what is left in each round. `cubic` takes much at first and little at last (Zhu and Gupta 2017).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { roundBudgets } from "./schedule.ts";
 * assert.deepEqual(roundBudgets({ gflops: 0.25 }, 2, "equal"), [{ gflops: 0.5 }, { gflops: 0.25 }]);
 * ```
 *
 * Throws FeatherdetError for another schedule and for a number of rounds that is not whole.
 */
export function roundBudgets(budget: PruneBudget, rounds: number, schedule: PruneSchedule): PruneBudget[] {
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new FeatherdetError(`${rounds} rounds of pruning, expected a whole number of at least 1`);
  }
  if (schedule !== "equal" && schedule !== "cubic") {
    throw new FeatherdetError(`unknown schedule "${schedule}", there are equal and cubic`);
  }
  const left = (share: number, done: number) =>
    schedule === "equal" ? share ** done : 1 - (1 - share) * (1 - (1 - done) ** 3);
  return Array.from({ length: rounds }, (_, round) => {
    if (round === rounds - 1) return budget;
    const entries = Object.entries(budget) as [BudgetKind, number][];
    return Object.fromEntries(entries.map(([kind, share]) => [kind, left(share, (round + 1) / rounds)]));
  });
}

/**
 * How many of a model's layers may be left after each round: about as many go in each.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { roundLayers } from "./schedule.ts";
 * assert.deepEqual(roundLayers(88, 0.75, 3), [81, 74, 66]);
 * ```
 */
export function roundLayers(all: number, share: number, rounds: number): number[] {
  const left = Math.floor(share * all + 1e-9);
  return Array.from({ length: rounds }, (_, round) => all - Math.floor((all - left) * (round + 1) / rounds));
}
