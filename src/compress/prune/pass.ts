/**
 * Pruning as a step of a pipeline: the criterion says which statistics the pass asks for.
 *
 * @module
 */

import { couplingGroups } from "../../graph/channels/mod.ts";
import { type Graph, GraphIndex } from "../../graph/mod.ts";
import type { Pass } from "../pass.ts";
import { refuseQuantized } from "../quantize/refuse_quantized.ts";
import type { StatisticsWanted } from "../statistics.ts";
import { gatesOf } from "./criteria.ts";
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

/**
 * Removes the channels that are worth least until the budget is met, as `prune` does; the criteria `taylor` and `activation` ask for
 * gradients and activations. Running statistics stay those of the whole graph: `pruneOn` measures them anew.
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
    const kind = statisticsNeededBy(criterion);
    if (kind === undefined) return {};
    return { [kind]: kind === "gradient" ? gateConstants(graph) : carriedMaps(graph) };
  },
  async apply(graph, statistics, options) {
    const kind = statisticsNeededBy(options.criterion ?? "taylor");
    const { graph: pruned, ...report } = await pruneBy(graph, {
      ...options,
      statistics: kind && { [kind]: statistics.all(kind) },
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
