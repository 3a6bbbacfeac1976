/**
 * Bias correction (Nagel et al. 2019): rounding weights shifts the mean of what a layer computes; the shift, expected from the mean of
 * each input channel over the calibration samples, is taken off the bias.
 *
 * @module
 */

import { type Constant, type Node, sizeOf, weightAxes } from "../../graph/mod.ts";
import type { LayerOperator } from "./layers.ts";
import type { IntegerWeights } from "./weights.ts";

/**
 * Mean error of each output channel: the sum over its weights of (integer weight - weight) x mean of the input channel. Padding is not
 * counted: at the borders of a map less is shifted.
 *
 * Undefined for layers whose input channels are not axis 1 of their input, or whose weights do not have an axis of outputs.
 */
export function expectedErrors(
  node: Node<LayerOperator>,
  weight: Constant,
  integers: IntegerWeights,
  means: Float64Array,
): Float64Array | undefined {
  const isSummedPlainly = node.op === "Gemm" && !node.attributes.transposeA && node.attributes.alpha === 1;
  if (node.op !== "Conv" && !isSummedPlainly) return undefined;
  const { shape, data } = weight;
  const { scales } = integers;
  const { out, into } = weightAxes(node, 1, shape.length);
  const [outputs, inputs, area] = [shape[out], shape[into], sizeOf(shape.slice(2))];
  const [outputStep, inputStep] = [out, into].map((axis) => sizeOf(shape.slice(axis + 1)));
  const outputsPerGroup = node.op === "Conv" ? outputs / node.attributes.groups : outputs;
  return Float64Array.from({ length: outputs }, (_, output) => {
    const scale = scales[scales.length === 1 ? 0 : output];
    const first = Math.floor(output / outputsPerGroup) * inputs;
    let error = 0;
    for (let input = 0; input < inputs; input++) {
      const start = output * outputStep + input * inputStep;
      for (let i = start; i < start + area; i++) error += (integers.data[i] * scale - data[i]) * means[first + input];
    }
    return error;
  });
}
