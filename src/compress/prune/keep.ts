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

/** Names of the nodes that patterns meet, in which `*` stands for anything. Throws FeatherdetError for one that meets no node. */
export function nodesLike(graph: Graph, patterns: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const expression = expressionOf(pattern);
    const names = graph.nodes.map(({ name }) => name).filter((name) => expression.test(name));
    if (names.length === 0) throw new FeatherdetError(`no node is called "${pattern}"`, { file: graph.name });
    for (const name of names) found.add(name);
  }
  return found;
}

/** Numbers of the bundles that a node makes or adjusts whose name a pattern meets. Throws FeatherdetError for one that meets no node. */
export function keptBundles(graph: Graph, bundles: readonly ChannelBundle[], patterns: readonly string[]): Set<number> {
  const names = nodesLike(graph, patterns);
  return new Set(
    bundles.flatMap(({ members }, bundle) =>
      members.some(({ node, role }) => role !== "reads" && names.has(node)) ? [bundle] : []
    ),
  );
}
