/**
 * A graph as a file keeps it.
 *
 * @module
 */

import type { Graph, Node } from "../../src/graph/mod.ts";

/** The graph without the size rules of its nodes: they are not written, and what is written may be read as another rule. */
export function withoutRules(graph: Graph): Graph {
  return { ...graph, nodes: graph.nodes.map(({ sizeRule: _, ...node }) => node as Node) };
}
