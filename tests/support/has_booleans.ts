/**
 * Which graphs are written with booleans.
 *
 * @module
 */

import { type Graph, isPair, PAIRS } from "../../src/graph/mod.ts";

/** Whether a file of the graph has booleans, and therefore nodes that cast them. */
export function hasBooleans(graph: Graph): boolean {
  return graph.nodes.some(({ op }) => isPair(op) && (PAIRS[op].boolean || op === "Mask"));
}
