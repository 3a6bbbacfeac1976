/**
 * Bias correction (Nagel et al. 2019): rounding weights shifts the mean of what a layer computes; the shift, expected from the mean of
 * each input channel over the calibration samples, is taken off the bias.
 *
 * @module
 */

import type { Constant, Node } from "../../graph/mod.ts";
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
  const { shape, data } = weight;
  const { scales } = integers;
  const rounded = (i: number, output: number) => integers.data[i] * scales[scales.length === 1 ? 0 : output];
  if (node.op === "Conv") {
    const [outputs, perGroup, height, width] = shape;
    const area = height * width, outputsPerGroup = outputs / node.attributes.groups;
    return Float64Array.from({ length: outputs }, (_, output) => {
      const first = Math.floor(output / outputsPerGroup) * perGroup;
      let error = 0;
      for (let i = output * perGroup * area; i < (output + 1) * perGroup * area; i++) {
        error += (rounded(i, output) - data[i]) * means[first + Math.floor(i / area) % perGroup];
      }
      return error;
    });
  }
  if (node.op !== "Gemm" || node.attributes.transposeA || node.attributes.alpha !== 1) return undefined;
  const [rows, columns] = shape;
  const errors = new Float64Array(node.attributes.transposeB ? rows : columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const [input, output] = node.attributes.transposeB ? [column, row] : [row, column];
      errors[output] += (rounded(i, output) - data[i]) * means[input];
    }
  }
  return errors;
}
