/**
 * Built models with weights as after training: statistics, scales and biases of all sizes, so that what a model computes depends
 * on every one of them and neither dies out nor grows along its depth.
 *
 * @module
 */

import { Random } from "../../src/numbers/random.ts";
import type { Constant, Graph } from "../../src/graph/mod.ts";

/** The model with other BatchNormalization parameters and biases, the same for the same seed. */
export function lively(graph: Graph, seed = 1): Graph {
  const random = new Random(seed);
  const constants = new Map(graph.constants);
  const draw = (name: string, make: () => number) => {
    const { shape, data: { length } } = graph.constants.get(name)!;
    const constant: Constant = { dtype: "f32", shape, data: Float32Array.from({ length }, make) };
    constants.set(name, constant);
  };
  for (const node of graph.nodes) {
    if (node.op === "BatchNormalization") {
      const [scale, shift, mean, variance] = node.inputs.slice(1);
      draw(scale, () => random.uniform(0.5, 1.5));
      draw(shift, () => random.normal() * 0.5);
      draw(mean, () => random.normal() * 0.2);
      draw(variance, () => random.uniform(0.1, 0.5));
    } else if (node.op === "Conv" && node.inputs.length > 2) {
      draw(node.inputs[2], () => random.normal());
    }
  }
  return { ...graph, constants };
}
