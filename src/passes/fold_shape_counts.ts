/**
 * Computes ahead of a run how many elements a map has, where a graph counts them itself: the sum over axes of a HardSigmoid whose
 * slope is zero. Models spell counts so (SimAM's degrees of freedom) to stay right when their input size is changed.
 *
 * @module
 */

import { type Constant, type Graph, GraphIndex, type Node, sizeOf, withNodes } from "../graph/mod.ts";

/** What a HardSigmoid makes of every number, where that is one and the same. */
function fixedValue(node: Node | undefined): number | undefined {
  if (node?.op !== "HardSigmoid" || node.attributes.alpha !== 0) return undefined;
  return Math.min(1, Math.max(0, node.attributes.beta));
}

/** The graph with such sums as constants of their shapes, so that gradients which were taken of them still fit. */
export function foldShapeCounts(graph: Graph): Graph {
  if (!graph.nodes.some((node) => fixedValue(node) !== undefined)) return graph;
  const index = GraphIndex.of(graph);
  const constants = new Map<string, Constant>(graph.constants);
  const nodes = graph.nodes.filter((node) => {
    if (node.op !== "ReduceSum" || index.isOutput(node.outputs[0])) return true;
    const value = fixedValue(index.producerOf(node.inputs[0]));
    if (value === undefined) return true;
    const [before, shape] = [node.inputs[0], node.outputs[0]].map((name) => index.shapeOf(name));
    const count = sizeOf(before) / sizeOf(shape);
    constants.set(node.outputs[0], {
      dtype: "f32",
      shape,
      data: new Float32Array(sizeOf(shape)).fill(value * count),
    });
    return false;
  });
  if (nodes.length === graph.nodes.length) return graph;
  const read = new Set([...graph.outputs, ...nodes.flatMap(({ inputs }) => inputs)]);
  const kept = nodes.filter((node) => fixedValue(node) === undefined || node.outputs.some((name) => read.has(name)));
  return withNodes(graph, kept, constants);
}
