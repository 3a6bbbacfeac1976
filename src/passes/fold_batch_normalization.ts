/**
 * Folds a BatchNormalization that follows a convolution into that convolution's weights and bias.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { consumers, producers, withNodes } from "../graph/rewrite.ts";

/** The graph with every foldable BatchNormalization gone; one that has no convolution before it stays. */
export function foldBatchNormalization(graph: Graph): Graph {
  const makers = producers(graph), readers = consumers(graph);
  const constants = new Map(graph.constants);
  const replaced = new Map<Node, Node | undefined>();
  for (const node of graph.nodes) {
    if (node.op !== "BatchNormalization") continue;
    const conv = makers.get(node.inputs[0]);
    if (conv?.op !== "Conv" || readers.get(conv.outputs[0])!.length !== 1 || graph.outputs.includes(conv.outputs[0])) {
      continue;
    }
    const weight = constants.get(conv.inputs[1]);
    const [scale, shift, mean, variance] = node.inputs.slice(1).map((name) => constants.get(name));
    const bias = conv.inputs.length > 2 ? constants.get(conv.inputs[2]) : undefined;
    if (!weight || !scale || !shift || !mean || !variance || (conv.inputs.length > 2 && !bias)) continue;
    const outputs = weight.shape[0], perOutput = weight.data.length / outputs;
    const factors = Array.from(
      { length: outputs },
      (_, o) => scale.data[o] / Math.sqrt(variance.data[o] + node.attributes.epsilon),
    );
    // A loop: the mapping function of Float32Array.from takes a hundred times as long, seconds for the largest models.
    const folded = new Float32Array(weight.data.length);
    const { data } = weight;
    factors.forEach((factor, o) => {
      for (let i = o * perOutput; i < (o + 1) * perOutput; i++) folded[i] = data[i] * factor;
    });
    const moved = Float32Array.from(factors, (f, o) => shift.data[o] + ((bias?.data[o] ?? 0) - mean.data[o]) * f);
    const [weightName, biasName] = [`${node.name}/folded_weight`, `${node.name}/folded_bias`];
    constants.set(weightName, { dtype: "f32", shape: weight.shape, data: folded });
    constants.set(biasName, { dtype: "f32", shape: [outputs], data: moved });
    replaced.set(conv, undefined);
    replaced.set(node, { ...conv, inputs: [conv.inputs[0], weightName, biasName], outputs: node.outputs });
  }
  if (replaced.size === 0) return graph;
  const nodes = graph.nodes.flatMap((node) => replaced.has(node) ? replaced.get(node) ?? [] : [node]);
  return withNodes(graph, nodes, constants);
}
