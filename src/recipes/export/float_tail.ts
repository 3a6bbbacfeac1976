/**
 * What of a detector a runtime's own quantizer is to leave in float: the tail behind the last layers, which decodes boxes and scores.
 *
 * Its values have ranges of hundreds of pixels beside probabilities, which 8 bits cannot tell apart, and it is next to no work.
 *
 * @module
 */

import { type Graph, GraphIndex, type Node } from "../../graph/mod.ts";

/** True for a layer that counts: a convolution of one output channel only weighs the bins of a box's sides. */
function isLayer(index: GraphIndex, node: Node): boolean {
  if (node.op !== "Conv") return node.op === "Gemm" || node.op === "MatMul";
  return index.shapeOf(node.outputs[0])[1] > 1;
}

/**
 * The nodes through which outputs are made of the last layers (Conv, Gemm, MatMul), in the graph's order; a convolution of one output
 * channel is one of them. Empty where a layer makes the outputs itself.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { floatTail } from "./float_tail.ts";
 * const graph = demoDetector({ size: 64 });
 * const tail = floatTail(graph);
 * assert.ok(tail.some(({ outputs }) => outputs[0] === graph.outputs[0]) && tail.length < graph.nodes.length / 2);
 * ```
 */
export function floatTail(graph: Graph): Node[] {
  const index = GraphIndex.of(graph), tail = new Set<Node>();
  const waiting = [...graph.outputs];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    const node = index.producerOf(value);
    if (node === undefined || tail.has(node) || isLayer(index, node)) continue;
    tail.add(node);
    waiting.push(...node.inputs);
  }
  return graph.nodes.filter((node) => tail.has(node));
}

/**
 * Names of the tail's operators in a file that MNN's converter made: each has that of its first output, one that turns a value into another
 * layout has those of the value and of its reader, one behind an output that of the output.
 */
export function mnnTailNames(graph: Graph): string[] {
  const names = new Set(graph.outputs.map((output) => `${output}__before_tr`));
  for (const { inputs, outputs: [output] } of floatTail(graph)) {
    names.add(output);
    for (const input of inputs) if (input !== "") names.add(`${input}___tr${output}`);
  }
  return [...names].sort();
}
