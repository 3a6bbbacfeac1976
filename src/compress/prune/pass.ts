/**
 * Pruning as a step of a pipeline: the criterion says which statistics the pass asks for.
 *
 * @module
 */

import { channelBundles, couplingGroups } from "../../graph/channels/mod.ts";
import { type Graph, GraphIndex } from "../../graph/mod.ts";
import type { Pass } from "../pass.ts";
import { refuseQuantized } from "../quantize/refuse_quantized.ts";
import type { StatisticsWanted } from "../statistics.ts";
import { gatesOf, mapOf, type PruneStatistics } from "./criteria.ts";
import { pruneBy, type PruneByOptions, type PruneResult, statisticsNeededBy } from "./prune.ts";

/** How the pass prunes. */
export type PrunePassOptions = Omit<PruneByOptions, "statistics">;

/** What the pass did: the report, and the coupling groups of the given graph that are gone. */
export type PrunePassReport = Omit<PruneResult, "graph">;

/** Constants whose gradients tell what channels are worth. */
function gateConstants(graph: Graph): string[] {
  const members = couplingGroups(graph).groups.flatMap((group) => gatesOf(group).flat());
  return [...new Set(members.map(({ constant }) => constant))];
}

/** Maps whose channels belong to coupling groups. */
function carriedMaps(graph: Graph): string[] {
  const index = GraphIndex.of(graph);
  const carried = couplingGroups(graph).groups.flatMap(({ values }) => values.map(({ value }) => value));
  return [...new Set(carried)].filter((value) => index.shapeOf(value).length === 4);
}

/** Maps of which criteria want to know how their channels vary together. */
function bundleMaps(graph: Graph): string[] {
  const maps = channelBundles(couplingGroups(graph).groups).map((bundle) => mapOf(bundle, graph));
  return [...new Set(maps.filter((map) => map !== undefined))];
}

/** What each kind of statistics is asked for. */
const KEYS: Readonly<Record<keyof PruneStatistics, (graph: Graph) => string[]>> = {
  activation: carriedMaps,
  covariance: bundleMaps,
  gradient: gateConstants,
};

/**
 * Removes the channels that are worth least until the budget is met, as `prune` does; the criteria `taylor`, `surgeon` and `activation` ask
 * for gradients, covariances and activations. Running statistics stay those of the whole graph: `pruneOn` measures them anew.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { historyOf } from "../history.ts";
 * import { passStep, runPasses } from "../pass.ts";
 * import { packWeightsPass } from "../quantize/pack_weights.ts";
 * import { prunePass } from "./pass.ts";
 * const { graph, reports: [{ report }] } = await runPasses(demoDetector({ size: 64 }), [
 *   passStep(prunePass, { budget: { parameters: 0.8 }, criterion: "l2" }),
 *   passStep(packWeightsPass, { bits: 2 }),
 * ]);
 * assert.ok(report.after.parameters <= 0.8 * report.before.parameters);
 * assert.deepEqual(historyOf(graph).map(({ name }) => name), ["prune", "packWeights"]);
 * ```
 */
export const prunePass: Pass<PrunePassOptions, PrunePassReport> = {
  name: "prune",
  needs(graph, { criterion = "taylor" }): StatisticsWanted {
    refuseQuantized(graph);
    return Object.fromEntries(statisticsNeededBy(criterion).map((kind) => [kind, KEYS[kind](graph)]));
  },
  async apply(graph, statistics, options) {
    const kinds = statisticsNeededBy(options.criterion ?? "taylor");
    const { graph: pruned, ...report } = await pruneBy(graph, {
      ...options,
      statistics: Object.fromEntries(kinds.map((kind) => [kind, statistics.all(kind)])),
    });
    return { graph: pruned, report };
  },
  described: ({ criterion = "taylor", ...options }) => {
    const { budget, reduction, normalisation, ranking, multiple, floor, least, per, keep, method } = options;
    return {
      ...{ criterion, budget, reduction, normalisation, ranking, multiple, floor, least, per, keep },
      ...(method !== undefined && method !== "criterion" && { method }),
    };
  },
};
