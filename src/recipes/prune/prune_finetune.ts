/**
 * Progressive pruning: rounds of a cut of channels and of training that recovers from it.
 *
 * @module
 */

import { budgetOf, costsOf, type PruneBudget, type PruneCosts } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Graph } from "../../graph/mod.ts";
import { cut, type CutOptions } from "./one_shot.ts";
import { type RoundFigures, type RoundOptions, type RoundsResult, trainInRounds } from "./rounds.ts";
import { type PruneSchedule, roundBudgets } from "./schedule.ts";

/** How a model is pruned and trained in rounds. There are 4 by default. */
export interface PruneFinetuneOptions extends Omit<CutOptions, "keep">, RoundOptions {
  /** Node names whose channels stay. */
  readonly keep?: readonly string[];
  /** Default `equal`. */
  readonly schedule?: PruneSchedule;
  /** Told when a cut was made and when a round is done. */
  readonly onRound?: (round: PruneRound) => void;
}

/** What a cut of channels is told as. */
export interface ToldCut {
  /** What may be left of the whole model. */
  readonly budget: PruneBudget;
  /** What is left of it. */
  readonly left: { readonly gflops: number; readonly parameters: number; readonly bytes: number };
  /** How many coupling groups went in this round. */
  readonly removed: number;
}

/** What a round brought. */
export interface PruneRound extends ToldCut, RoundFigures {}

/** What a run of progressive pruning made. */
export type PruneFinetuneResult = RoundsResult<ToldCut>;

/** Shares of the budget that are left of a model which is smaller already. */
function relative(budget: PruneBudget, before: PruneCosts, now: PruneCosts): PruneBudget {
  return Object.fromEntries(
    budgetOf(budget).map(([kind, share]) => {
      if (kind === "latency") return [kind, share];
      return [kind, Math.min(1, share * before[kind] / now[kind])];
    }),
  );
}

/**
 * Prunes a detector in rounds, each followed by training, until the budget is met. Budgets are shares of the model that the run began
 * with; statistics are measured anew after every cut. Each model's history tells all cuts and trainings.
 *
 * Throws FeatherdetError as `cut` and `train` do, for a budget of latency, and for a store that holds a run with other settings.
 */
export async function pruneAndTrain(
  source: Graph,
  dataset: Dataset,
  options: PruneFinetuneOptions,
): Promise<PruneFinetuneResult> {
  const budgets = roundBudgets(options.budget, options.rounds ?? 4, options.schedule ?? "equal");
  return await trainInRounds<ToldCut>(source, dataset, {
    count: budgets.length,
    onRound: options.onRound,
    async cut(model, round, before) {
      const budget = relative(budgets[round], before, costsOf(model));
      const { graph, report: { after, groups: { removed } } } = await cut(model, dataset, { ...options, budget });
      const left = { gflops: after.gflops, parameters: after.parameters, bytes: after.bytes };
      return { graph, told: { budget: budgets[round], left, removed } };
    },
  }, options);
}
