/**
 * Layers whose channels stay because somebody says so.
 *
 * @module
 */

import type { ChannelBundle } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

/** Numbers of the bundles that a node makes or adjusts whose name a pattern meets. Throws FeatherdetError for one that meets no node. */
export function keptBundles(graph: Graph, bundles: readonly ChannelBundle[], patterns: readonly string[]): Set<number> {
  const kept = new Set<number>();
  for (const pattern of patterns) {
    const expression = expressionOf(pattern);
    if (!graph.nodes.some(({ name }) => expression.test(name))) {
      throw new FeatherdetError(`no node is called "${pattern}"`, { file: graph.name });
    }
    bundles.forEach(({ members }, bundle) => {
      if (members.some(({ node, role }) => role !== "reads" && expression.test(node))) kept.add(bundle);
    });
  }
  return kept;
}
