/**
 * Channels set to zero where they are made: what a graph without them computes, in the shapes of the whole one.
 *
 * @module
 */

import type { CouplingGroup } from "../graph/channels/mod.ts";
import type { Graph } from "../graph/mod.ts";
import { constantSlices, withZeros } from "./channel_slices.ts";

/**
 * The graph with the `zeroed` slices of the groups' members set to zero; everything else is shared with the given graph. Groups that
 * stay can be zeroed too, but then may change what the rest computes.
 *
 * Throws FeatherdetError for groups of another graph.
 */
export function zeroChannels(graph: Graph, groups: readonly CouplingGroup[]): Graph {
  const constants = new Map(graph.constants);
  for (const [name, axes] of constantSlices(graph, groups, true)) {
    for (const [axis, indices] of axes) constants.set(name, withZeros(constants.get(name)!, axis, indices));
  }
  return { ...graph, constants };
}
