/**
 * Built models with the statistics of a trained one: deep networks whose BatchNormalization does not know its input saturate or
 * blow up, and then magnify every rounding.
 *
 * @module
 */

import { Random } from "../../src/numbers/random.ts";
import { type Constant, type Graph, sizeOf } from "../../src/graph/mod.ts";
import { evaluateNode, referenceTensor } from "../../src/reference/run.ts";
import { randomTensor } from "./random.ts";

/**
 * Mean and standard deviation of all elements. Not of each channel: one picture may leave a channel almost the same everywhere, and
 * with that taken away, the next picture would be thrown far off.
 */
function moments(data: ArrayLike<number>): { mean: number; deviation: number } {
  let sum = 0, squares = 0;
  for (let i = 0; i < data.length; i++) {
    sum += data[i];
    squares += data[i] ** 2;
  }
  const mean = sum / data.length;
  return { mean, deviation: Math.sqrt(squares / data.length - mean ** 2) };
}

/**
 * The model with BatchNormalization near the statistics of its own activations on a random picture, with scales and shifts as
 * after training, and sums of about 1 in layers with a bias: the same for the same seed. It runs in float64 here, so `graph` should
 * be small; `settledLike` carries the weights to other sizes.
 */
export function settled(graph: Graph, seed = 1): Graph {
  const random = new Random(seed);
  const constants = new Map(graph.constants);
  const draw = (name: string, make: (index: number) => number) => {
    const { shape } = constants.get(name)!;
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, index) => make(index));
    constants.set(name, { dtype: "f32", shape, data });
  };
  const values = new Map(
    graph.inputs.map(({ name, shape }) => [name, referenceTensor(shape, randomTensor(shape, seed, 0, 1))]),
  );
  const value = (name: string) => {
    const constant = constants.get(name);
    return constant ? referenceTensor(constant.shape, constant.data) : values.get(name)!;
  };
  for (const node of graph.nodes) {
    if (node.op === "BatchNormalization") {
      const [x, scale, shift, mean, variance] = node.inputs;
      const found = moments(value(x).data);
      draw(scale, () => random.uniform(0.5, 1.5));
      draw(shift, () => random.normal() * 0.5);
      draw(mean, () => found.mean + 0.2 * found.deviation * random.normal());
      draw(variance, () => found.deviation ** 2 * random.uniform(0.7, 1.4));
    } else if ((node.op === "Conv" || node.op === "Gemm") && node.inputs.length > 2) {
      // No BatchNormalization follows: sums of about 1 keep gates and scores out of saturation.
      const [, weight, bias] = node.inputs;
      draw(bias, () => 0);
      const [products] = evaluateNode(node, node.inputs.map(value));
      // Products of channels that an activation holds at 0 are 0 whatever the weights.
      const deviation = moments(products.data).deviation || 1;
      const { data } = constants.get(weight)!;
      draw(weight, (index) => data[index] / deviation);
      draw(bias, () => 0.5 * random.normal());
    }
    const results = evaluateNode(node, node.inputs.map(value));
    node.outputs.forEach((name, index) => values.set(name, results[index]));
  }
  return { ...graph, constants };
}

/** The model with the weights and statistics of the same model for another size. */
export function settledLike(graph: Graph, other: Graph): Graph {
  const constants = new Map<string, Constant>(graph.constants);
  for (const { op, inputs } of graph.nodes) {
    if (op !== "BatchNormalization" && op !== "Conv" && op !== "Gemm") continue;
    for (const name of inputs.slice(1)) {
      const constant = other.constants.get(name);
      if (constant) constants.set(name, constant);
    }
  }
  return { ...graph, constants };
}
