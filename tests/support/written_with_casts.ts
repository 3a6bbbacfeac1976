/**
 * Which graphs are written with casts.
 *
 * @module
 */

import { type Graph, isPair, PAIRS } from "../../src/graph/mod.ts";

/** Whether a file of the graph has booleans or whole numbers of 64 bits, and therefore nodes that cast them. */
export function isWrittenWithCasts(graph: Graph): boolean {
  return graph.nodes.some(({ op }) => op === "TopK" || isPair(op) && (PAIRS[op].boolean || op === "Mask"));
}
