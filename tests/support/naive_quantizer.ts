/**
 * Makes any graph a quantized one without looking at its values: for tests of plans, whose steps do not depend on scales.
 *
 * @module
 */

import { type Graph, GraphIndex, type Node, withNodes } from "../../src/graph/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { activationOf } from "../../src/kernels/activation.ts";
import { QdqBuilder } from "./qdq.ts";

/** Bytes of this scale hold -6.4 to 6.35. */
const SCALE = { scale: 0.05, zero: 0 } as const;

/**
 * The graph with every convolution's weights in int8, a scale for each output, and QuantizeLinear and DequantizeLinear behind everything
 * that a convolution reads or makes (behind its activation), but for those that are left alone.
 */
export function naivelyQuantized(source: Graph, isLeft: (conv: Node<"Conv">) => boolean = () => false): Graph {
  const graph = recogniseActivations(source);
  const index = GraphIndex.of(graph);
  const quantized = new QdqBuilder();
  const renamed = new Map<string, string>();
  const store = (value: string) => {
    if (!graph.outputs.includes(value)) renamed.set(value, quantized.stored(value, SCALE));
  };
  const isQuantized = (node: Node): node is Node<"Conv"> => node.op === "Conv" && !isLeft(node);
  const isRead = (value: string) =>
    index.readersOf(value).some((node) => isQuantized(node) && node.inputs[0] === value);
  for (const { name } of graph.inputs) if (isRead(name)) store(name);
  const nodes: Node[] = quantized.nodes;
  const ends = new Set<string>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    const weight = isQuantized(node) ? graph.constants.get(node.inputs[1]) : undefined;
    if (weight) {
      const floats = Float32Array.from(weight.data);
      const outputs = weight.shape[0], each = floats.length / outputs;
      const scales = Array.from({ length: outputs }, (_, o) => {
        const most = floats.slice(o * each, (o + 1) * each).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6);
        return Math.fround(most / 127);
      });
      const data = Int8Array.from(floats, (value, i) => Math.round(value / scales[Math.floor(i / each)]));
      inputs[1] = quantized.integers(`${node.name}_q`, { dtype: "i8", shape: weight.shape, data }, scales);
      const [next, ...others] = index.readersOf(node.outputs[0]);
      ends.add(others.length === 0 && next && activationOf(next) ? next.outputs[0] : node.outputs[0]);
    }
    nodes.push({ ...node, inputs });
    for (const value of node.outputs) if (ends.has(value) || isRead(value)) store(value);
  }
  const constants = new Map([...graph.constants, ...Object.entries(quantized.constants)]);
  return withNodes({ ...graph, constants }, nodes, constants);
}
