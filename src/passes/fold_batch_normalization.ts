/**
 * Folds a BatchNormalization that follows a convolution into that convolution's weights and bias.
 *
 * @module
 */

import { GraphEditor } from "../graph/editor.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";

/** The graph with every foldable BatchNormalization gone; one that has no convolution before it stays. */
export function foldBatchNormalization(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  let folds = 0;
  for (const node of graph.nodes) {
    if (node.op !== "BatchNormalization") continue;
    const conv = index.producerOf(node.inputs[0]);
    if (conv?.op !== "Conv" || index.soleReader(conv.outputs[0]) === undefined) continue;
    const [weight, bias] = conv.inputs.slice(1).map((name) => index.constantOf(name));
    const [scale, shift, mean, variance] = node.inputs.slice(1).map((name) => index.constantOf(name));
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
    const parameters = [
      editor.constant(`${node.name}/folded_weight`, weight.shape, folded),
      editor.constant(`${node.name}/folded_bias`, [outputs], moved),
    ];
    editor.replace(conv, []);
    editor.replace(node, [{ ...conv, inputs: [conv.inputs[0], ...parameters], outputs: node.outputs }]);
    folds++;
  }
  return folds === 0 ? graph : editor.finish();
}
