/**
 * What is quantized already is not quantized again.
 *
 * @module
 */

import { FeatherdetError, type Graph, type Operator } from "../../graph/mod.ts";

/** Operators of models whose weights or activations are integers, or rounded to such in training. */
const INTEGER_OPERATORS: ReadonlySet<Operator> = new Set(
  [
    ...["QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"] as const,
    ...["UnpackWeights", "FakeQuantize", "FakeQuantizeWeights"] as const,
  ],
);

/** Throws FeatherdetError, naming the node, for a graph that is quantized already, weights of one or two bits included. */
export function refuseQuantized(graph: Graph): void {
  const node = graph.nodes.find(({ op }) => INTEGER_OPERATORS.has(op));
  if (node === undefined) return;
  throw new FeatherdetError("the model is quantized already", {
    file: graph.name,
    node: node.name,
    operator: node.op,
  });
}
