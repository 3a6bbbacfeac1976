/**
 * The way back from weights of few bits: floats that lie on the levels, from which training can go on.
 *
 * @module
 */

import { type Graph, GraphEditor, type Node, unpackWeights, type WeightBits } from "../../graph/mod.ts";

/** Bits of the packed weights of a graph, each once, the fewest first. */
export function bitsOfPackedWeights(graph: Graph): readonly WeightBits[] {
  const bits = graph.nodes.flatMap((node) => node.op === "UnpackWeights" ? [node.attributes.bits] : []);
  return [...new Set(bits)].sort((a, b) => a - b);
}

/**
 * The graph with f32 constants for its packed weights: levels times the scale of their channel. It computes what it computed, and
 * `packWeights` with as many bits finds the same levels again.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { packWeights } from "./pack_weights.ts";
 * import { bitsOfPackedWeights, withUnpackedWeights } from "./unpack_weights.ts";
 * const { graph } = packWeights(demoDetector({ size: 320 }), { bits: 4 });
 * assert.deepEqual(bitsOfPackedWeights(graph), [4]);
 * assert.deepEqual(bitsOfPackedWeights(withUnpackedWeights(graph)), []);
 * ```
 */
export function withUnpackedWeights(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  const unpacked = (node: Node): node is Node<"UnpackWeights"> => node.op === "UnpackWeights";
  for (const node of graph.nodes.filter(unpacked)) {
    const [packed, scale] = node.inputs.map((name) => graph.constants.get(name)!);
    const { attributes: { bits, shape }, outputs: [value] } = node;
    // The name that the weight had before it was packed: it would grow with every training otherwise.
    const weight = editor.uniqueName(value.replace(/\/unpacked$/, ""));
    editor.constant(weight, shape, unpackWeights({ bits, shape }, packed.data, scale.data));
    editor.redirect(value, weight);
  }
  return editor.finish();
}
