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
import { chooseWidths, type WidthMethodName } from "./choose_widths.ts";
import { checkBudget, type CostModel, laddersOf, rankWidths, type SelectOptions } from "./select.ts";
import type { WidthMeter, WidthProblem } from "./width_problem.ts";
import { type CostKind, WidthModel, type Widths } from "./widths.ts";

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
  /** Milliseconds by widths, for the report, a budget of latency, or scores divided by it (see `latencyModel`). */
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
  const known = new WeakMap<Widths, number>();
  return {
    cost(widths) {
      const found = known.get(widths) ?? model.costs(widths)[kind];
      known.set(widths, found);
      return found;
    },
    saving: (widths, bundle, fewer) => model.saving(kind, widths, bundle, fewer),
  };
}

/**
 * Several budgets, shares of what the whole network costs, as one: the cost is 1 where the tightest of them is met, and only those that are
 * not met yet count as savings. Costs of the whole are asked for each time, since those of a table of times are guesses at first.
 */
function combined(parts: readonly { readonly cost: CostModel; readonly share: number }[], whole: Widths): CostModel {
  const most = ({ cost, share }: (typeof parts)[number]) => share * cost.cost(whole);
  return {
    cost: (widths) => Math.max(...parts.map((part) => part.cost.cost(widths) / most(part))),
    saving: (widths, bundle, fewer) =>
      parts.reduce((sum, part) => {
        const limit = most(part);
        return part.cost.cost(widths) > limit ? sum + part.cost.saving(widths, bundle, fewer) / limit : sum;
      }, 0),
  };
}

/** Statistics that a criterion needs; none for those that look at weights alone. Throws FeatherdetError for an unknown name. */
export function statisticsNeededBy(criterion: CriterionName): readonly (keyof PruneStatistics)[] {
  if (Object.hasOwn(CRITERIA, criterion)) return CRITERIA[criterion].needs ?? [];
  throw new FeatherdetError(`unknown criterion "${criterion}", there are ${Object.keys(CRITERIA).join(", ")}`);
}

/** A graph that is to be pruned: which widths it may have, what it may cost, and which channels go first. */
export interface PruneProblem extends WidthProblem {
  /** The graph. */
  readonly source: Graph;
  /** Its bundles, and what it costs by widths. */
  readonly model: WidthModel;
  /** What scores are divided by; undefined for the budget's costs. */
  readonly per: CostModel | false | undefined;
  /** Milliseconds by widths, where they count. */
  readonly latency: CostModel | undefined;
  /** How it is pruned. */
  readonly options: PruneOptions;
}

/** Scores the channels of a graph and makes the budget of its costs. Throws FeatherdetError as `prune` does. */
export function pruneProblem(source: Graph, options: PruneOptions): PruneProblem {
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
  const latency = options.latency?.(model);
  const modelOf = (name: BudgetKind): CostModel => {
    if (name !== "latency") return costModel(model, name);
    if (latency) return latency;
    throw new FeatherdetError("a budget of latency needs measured times: none were given", { file: source.name });
  };
  const costs = shares.map(([kind, share]) => ({ cost: modelOf(kind), share }));
  const text = shares.map(([kind, share]) => `${share} of ${kind}`).join(" and ");
  return {
    ...{ source, model, options, latency, whole: model.whole, per: per === "none" ? false : per && modelOf(per) },
    ladders: laddersOf(scores, options, keptBundles(source, model.bundles, keep)),
    budget: { model: combined(costs, model.whole), most: 1, text },
  };
}

/** The graph with so many groups left of each bundle, those worth most, and what is gone. */
export function cutTo(
  { source, model, ladders }: Pick<PruneProblem, "source" | "model" | "ladders">,
  widths: Widths,
): Pick<PruneResult, "graph" | "groups"> {
  const removed = ladders.map(({ order }, bundle) => order.slice(0, order.length - widths[bundle]));
  const groups = removed.flatMap((list, bundle) => list.map((index) => model.bundles[bundle].groups[index]));
  return { graph: removeChannels(source, groups), groups };
}

/** What `cutTo` gives, with its report. */
export function pruneTo(problem: PruneProblem, widths: Widths): PruneResult {
  const { source, model, options, whole, latency } = problem, { graph, groups } = cutTo(problem, widths);
  const report = pruneReport({ graph: source, model, widths: whole, latency }, { graph, model, widths, latency }, {
    criterion: options.criterion ?? "taylor",
    budget: options.budget,
  });
  return { graph, report, groups };
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
 * Throws FeatherdetError for a budget that cannot be met, where nothing is left to prune, for times that are guesses because their table
 * has not been filled (`settle` fills it), for statistics that are missing or not finite, for
 * a pattern that meets no node, and for a graph with rounded numbers.
 */
export function prune(source: Graph, options: PruneOptions): PruneResult {
  const problem = pruneProblem(source, options);
  const widths = rankWidths(problem, { ranking: options.ranking, per: problem.per });
  checkBudget(problem.budget, widths);
  const made = pruneTo(problem, widths), guessed = problem.latency?.missing ?? 0;
  if (guessed === 0) return made;
  throw new FeatherdetError(
    `${guessed} times of layers are guesses, since nothing has measured them: prune within settle(), or by prunePass or pruneOn()`,
    { file: source.name },
  );
}

/** How widths are chosen. */
export interface PruneByOptions extends PruneOptions, Pick<WidthProblem, "settle" | "onChoosing"> {
  /** The way to choose widths; by what channels are worth by default. */
  readonly method?: WidthMethodName;
  /** Makes what scores candidates, for the ways that need it. */
  readonly meterOf?: (problem: PruneProblem) => WidthMeter;
}

/**
 * Prunes as `prune` does, with widths chosen by any method; times that a table lacks are measured. Throws as `prune` and `chooseWidths` do.
 */
export async function pruneBy(source: Graph, options: PruneByOptions): Promise<PruneResult> {
  const { method, meterOf, onChoosing, ranking } = options;
  const problem = pruneProblem(source, options);
  const { whole, ladders, budget, per, latency } = problem;
  const settle = options.settle ?? latency?.settle;
  const meter = meterOf?.(problem);
  const widths = await chooseWidths({ whole, ladders, budget, per, ranking, method, meter, settle, onChoosing });
  for (;;) {
    const made = pruneTo(problem, widths);
    // The report may ask for times that the search had no use for.
    if (!await settle?.()) return made;
  }
}
