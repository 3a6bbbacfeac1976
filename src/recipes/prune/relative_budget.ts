/**
 * Budgets of a model of which a part is gone already.
 *
 * @module
 */

import { budgetOf, costsOf, type PruneBudget, type PruneCosts, WidthModel } from "../../compress/prune/mod.ts";
import type { Graph } from "../../graph/mod.ts";
import { latencyOfLayers } from "./latency.ts";
import type { PruneOnOptions } from "./one_shot.ts";

/** Shares of the budget that are left of a model which is smaller already. */
export function relativeBudget(budget: PruneBudget, before: PruneCosts, now: PruneCosts): PruneBudget {
  if (Object.keys(budget).length === 0) return budget;
  return Object.fromEntries(
    budgetOf(budget).map(([kind, share]) => {
      return [kind, Math.min(1, share * before[kind]! / now[kind]!)];
    }),
  );
}

/** Costs of a model, milliseconds among them where the budget has them. */
export async function costsFor(model: Graph, options: PruneOnOptions): Promise<PruneCosts> {
  if (options.budget.latency === undefined) return costsOf(model);
  if (!options.latency) return { ...costsOf(model), latency: await latencyOfLayers(model, options) };
  const widths = new WidthModel(model), costs = options.latency(widths);
  for (;;) {
    const latency = costs.cost(widths.whole);
    if (!await costs.settle?.()) return { ...costsOf(model), latency };
  }
}
