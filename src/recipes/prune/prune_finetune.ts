/**
 * Progressive pruning: rounds of a cut of channels and of training that recovers from it.
 *
 * @module
 */

import { createMemoryMemo } from "../../compress/meter.ts";
import type { PruneBudget, PruneCosts } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Graph } from "../../graph/mod.ts";
import { countLayers } from "../../passes/mod.ts";
import { pruneOn, type PruneOnOptions } from "./one_shot.ts";
import { costsFor, relativeBudget } from "./relative_budget.ts";
import { type RoundFigures, type RoundOptions, type RoundsResult, trainInRounds } from "./rounds.ts";
import { type PruneSchedule, roundBudgets, roundLayers } from "./schedule.ts";

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
  /** Names of the parts that went in this round with their layers; absent where all layers stay. */
  readonly parts?: readonly string[];
}

/** What a round brought. */
export interface PruneRound extends ToldCut, RoundFigures {}

/** What a run of progressive pruning made. */
export type PruneFinetuneResult = RoundsResult<ToldCut>;

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
  const { rounds = 4, layers } = options, budgets = roundBudgets(options.budget, rounds, options.schedule ?? "equal");
  const counts = layers === undefined ? undefined : roundLayers(countLayers(source), layers, rounds);
  return await trainInRounds<ToldCut>(source, dataset, {
    count: budgets.length,
    onRound: options.onRound,
    costs: (model) => costsFor(model, options),
    async cut(model, round, before) {
      const budget = relativeBudget(budgets[round], before, await costsFor(model, options));
      // The history of a single round has the share that was asked for, as that of a cut without training does.
      const share = counts && (rounds === 1 ? layers : Math.min(1, counts[round] / countLayers(model)));
      const { graph, report } = await pruneOn(model, dataset, {
        ...options,
        ...{ budget, layers: share, times: false, refit: options.refit ?? false },
      });
      const { after, groups: { removed }, shortened } = report;
      const left = {
        ...{ gflops: after.gflops, parameters: after.parameters, bytes: after.bytes },
        ...(after.latency !== undefined && { latency: after.latency }),
      };
      const parts = shortened && { parts: shortened.removed.map(({ name }) => name) };
      return { graph, told: { budget: budgets[round], left, removed, ...parts } };
    },
  }, options);
}
