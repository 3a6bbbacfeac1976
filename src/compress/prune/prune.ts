/**
 * Structured pruning: a smaller graph without the channels that are worth least.
 *
 * @module
 */

import { type CouplingGroup, couplingGroups } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph, verify } from "../../graph/mod.ts";
import { removeChannels } from "../../passes/remove_channels.ts";
import { refuseQuantized } from "../quantize/refuse_quantized.ts";
import { CRITERIA, type CriterionName, type PruneStatistics } from "./criteria.ts";
import { keptBundles } from "./keep.ts";
import { type PruneReport, pruneReport } from "./report.ts";
import { scoreGroups, type ScoreOptions } from "./score.ts";
import { type CostModel, selectGroups, type SelectOptions } from "./select.ts";
import { type CostKind, WidthModel } from "./widths.ts";

/** A cost of a graph; `latency` is that of the times given. */
export type BudgetKind = CostKind | "latency";

/** What may be left of the graph: shares of one or several of its costs, above 0 and at most 1, which all have to be met. */
export type PruneBudget = { readonly [Kind in BudgetKind]?: number };

/** How a graph is pruned. */
export interface PruneOptions extends ScoreOptions, Omit<SelectOptions, "per"> {
  /** What may be left, such as `{ gflops: 0.5 }`. */
  readonly budget: PruneBudget;
  /** What scores are divided by: what a channel saves of that cost; `none` for not at all. By default the budget's costs. */
  readonly per?: BudgetKind | "none";
  /** What was measured on pictures, where the criterion needs it. */
  readonly statistics?: PruneStatistics;
  /** Milliseconds by widths, for a budget of latency or scores divided by it (see `latencyModel`). */
  readonly latency?: (model: WidthModel) => CostModel;
  /** Names of nodes whose channels stay: patterns in which `*` stands for anything. */
  readonly keep?: readonly string[];
  /** Seed of the criterion `random`; default 0. */
  readonly seed?: number;
}

/** What pruning gave. */
export interface PruneResult {
  /** The smaller graph. Names of nodes, values and constants stay. */
  readonly graph: Graph;
  /** What became of each layer, and of the costs. */
  readonly report: PruneReport;
  /** The coupling groups of the given graph that are gone. */
  readonly groups: readonly CouplingGroup[];
}

const KINDS: readonly BudgetKind[] = ["gflops", "parameters", "bytes", "latency"];

/** The shares of a budget. Throws FeatherdetError for anything else. */
export function budgetOf(budget: PruneBudget): (readonly [kind: BudgetKind, share: number])[] {
  const entries = Object.entries(budget).filter(([, share]) => share !== undefined) as [BudgetKind, number][];
  const unknown = entries.find(([kind]) => !KINDS.includes(kind));
  if (entries.length === 0 || unknown) {
    throw new FeatherdetError(`a budget has shares of ${KINDS.join(", ")}, given was ${JSON.stringify(budget)}`);
  }
  for (const [kind, share] of entries) {
    if (typeof share === "number" && share > 0 && share <= 1) continue;
    throw new FeatherdetError(`the budget of ${kind} is ${share}, expected a share above 0 and not above 1`);
  }
  return entries;
}

/** The cost model of a kind over the widths of a graph. */
function costModel(model: WidthModel, kind: CostKind): CostModel {
  return {
    cost: (widths) => model.costs(widths)[kind],
    saving: (widths, bundle, fewer) => model.saving(kind, widths, bundle, fewer),
  };
}

/** Several budgets as one: the cost is 1 where the tightest of them is met, and only those that are not met yet count as savings. */
function combined(parts: readonly { readonly model: CostModel; readonly most: number }[]): CostModel {
  return {
    cost: (widths) => Math.max(...parts.map(({ model, most }) => model.cost(widths) / most)),
    saving: (widths, bundle, fewer) =>
      parts.reduce(
        (sum, { model, most }) => model.cost(widths) > most ? sum + model.saving(widths, bundle, fewer) / most : sum,
        0,
      ),
  };
}

/** Statistics that a criterion needs; undefined for those that look at weights alone. Throws FeatherdetError for an unknown name. */
export function statisticsNeededBy(criterion: CriterionName): keyof PruneStatistics | undefined {
  if (Object.hasOwn(CRITERIA, criterion)) return CRITERIA[criterion].needs;
  throw new FeatherdetError(`unknown criterion "${criterion}", there are ${Object.keys(CRITERIA).join(", ")}`);
}

/**
 * Removes the channels that are worth least until the budget is met. The result is a plain smaller graph: it computes what the given graph
 * does with the producers of the removed channels set to zero.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { prune } from "./prune.ts";
 * const model = yolo11({ width: 0.125, size: 64 });
 * const { graph, report } = prune(model, { budget: { gflops: 0.5 }, criterion: "l2" });
 * assert.ok(report.after.gflops <= 0.5 * report.before.gflops);
 * assert.equal(graph.nodes.length, model.nodes.length);
 * ```
 *
 * Throws FeatherdetError for a budget that cannot be met, where nothing is left to prune, for statistics that are missing or not finite, for
 * a pattern that meets no node, and for a graph with rounded numbers.
 */
export function prune(source: Graph, options: PruneOptions): PruneResult {
  verify(source);
  refuseQuantized(source);
  const shares = budgetOf(options.budget);
  const { statistics, keep = [], seed = 0, per } = options;
  if (!Number.isInteger(seed)) throw new FeatherdetError(`the seed is ${seed}, expected a whole number`);
  const model = new WidthModel(source);
  if (model.bundles.length === 0) {
    const [reason] = couplingGroups(source).kept.flatMap(({ kept }) => kept);
    const why = reason ? `: for instance, "${reason.node}" (${reason.operator}) ${reason.why}` : "";
    throw new FeatherdetError(`nothing can be pruned${why}`, { file: source.name });
  }
  const scores = scoreGroups(model.bundles, { graph: source, seed, ...statistics }, options);
  const modelOf = (name: BudgetKind): CostModel => {
    if (name !== "latency") return costModel(model, name);
    if (options.latency) return options.latency(model);
    throw new FeatherdetError("a budget of latency needs measured times: none were given", { file: source.name });
  };
  const parts = shares.map(([kind, share]) => {
    const cost = modelOf(kind);
    return { model: cost, most: share * cost.cost(model.whole) };
  });
  const text = shares.map(([kind, share]) => `${share} of ${kind}`).join(" and ");
  const { widths, removed } = selectGroups(
    model,
    scores,
    { model: combined(parts), most: 1, text },
    { ...options, per: per === "none" ? false : per && modelOf(per) },
    keptBundles(source, model.bundles, keep),
  );
  const groups = removed.flatMap((list, bundle) => list.map((index) => model.bundles[bundle].groups[index]));
  const graph = removeChannels(source, groups);
  const report = pruneReport(model, widths, { before: source, after: graph }, {
    criterion: options.criterion ?? "taylor",
    budget: options.budget,
  });
  return { graph, report, groups };
}
