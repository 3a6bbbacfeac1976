/**
 * Progressive pruning: rounds of a cut of channels and of training that recovers from it.
 *
 * @module
 */

import { createMemoryMemo } from "../../compress/meter.ts";
import { budgetOf, costsOf, type PruneBudget, type PruneCosts, WidthModel } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Graph } from "../../graph/mod.ts";
import { latencyOfLayers } from "./latency.ts";
import { pruneOn, type PruneOnOptions } from "./one_shot.ts";
import { type RoundFigures, type RoundOptions, type RoundsResult, trainInRounds } from "./rounds.ts";
import { type PruneSchedule, roundBudgets } from "./schedule.ts";

/** How a model is pruned and trained in rounds. There are 4 by default. */
export interface PruneFinetuneOptions extends Omit<PruneOnOptions, "keep" | "times">, RoundOptions {
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
  readonly left: PruneCosts;
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
      return [kind, Math.min(1, share * before[kind]! / now[kind]!)];
    }),
  );
}

/** Costs of a model, milliseconds among them where the budget has them. */
async function costsFor(model: Graph, options: PruneFinetuneOptions): Promise<PruneCosts> {
  if (options.budget.latency === undefined) return costsOf(model);
  if (!options.latency) return { ...costsOf(model), latency: await latencyOfLayers(model, options) };
  const widths = new WidthModel(model), costs = options.latency(widths);
  for (;;) {
    const latency = costs.cost(widths.whole);
    if (!await costs.settle?.()) return { ...costsOf(model), latency };
  }
}

/**
 * Prunes a detector in rounds, each followed by training, until the budget is met. Budgets are shares of the model that the run began
 * with; statistics are measured anew after every cut. Each model's history tells all cuts and trainings.
 *
 * Throws FeatherdetError as `pruneOn` and `train` do, and for a store that holds a run with other settings.
 */
export async function pruneAndTrain(
  source: Graph,
  dataset: Dataset,
  given: PruneFinetuneOptions,
): Promise<PruneFinetuneResult> {
  const onChoosing = (what: string) => {
    // A search for widths may take long: what it has scored is remembered, so that it can end anywhere.
    given.signal?.throwIfAborted();
    given.onChoosing?.(what);
  };
  const options = { ...given, memo: given.memo ?? createMemoryMemo(), onChoosing };
  const budgets = roundBudgets(options.budget, options.rounds ?? 4, options.schedule ?? "equal");
  return await trainInRounds<ToldCut>(source, dataset, {
    count: budgets.length,
    onRound: options.onRound,
    costs: (model) => costsFor(model, options),
    async cut(model, round, before) {
      const budget = relative(budgets[round], before, await costsFor(model, options));
      const { graph, report: { after, groups: { removed } } } = await pruneOn(model, dataset, {
        ...options,
        ...{ budget, times: false, refit: options.refit ?? false },
      });
      const left = {
        ...{ gflops: after.gflops, parameters: after.parameters, bytes: after.bytes },
        ...(after.latency !== undefined && { latency: after.latency }),
      };
      return { graph, told: { budget: budgets[round], left, removed } };
    },
  }, options);
}
