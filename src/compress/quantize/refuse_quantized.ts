/**
 * What is quantized already is not quantized again.
 *
 * @module
 */

import { FeatherdetError, type Graph, traitOf } from "../../graph/mod.ts";

/** Throws FeatherdetError, naming the node, for a graph that is quantized already, weights of few bits included. */
export function refuseQuantized(graph: Graph): void {
  const node = graph.nodes.find((one) => traitOf(one, "quantized"));
  if (node === undefined) return;
  throw new FeatherdetError("the model is quantized already", {
    file: graph.name,
    node: node.name,
    operator: node.op,
  });
}
