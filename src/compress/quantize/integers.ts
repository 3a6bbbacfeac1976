/**
 * The integers of a layer: its weights, and its bias corrected for what rounding them shifts.
 *
 * @module
 */

import type { Graph } from "../../graph/mod.ts";
import { expectedErrors } from "./bias_correction.ts";
import type { IntegerLayer } from "./emit.ts";
import { GATE } from "./float_rules.ts";
import type { PlacedLayer } from "./placement.ts";
import type { SchemeOptions } from "./scheme.ts";
import { outputAxis, quantizeBias, quantizeWeights, weightOf } from "./weights.ts";

/** True for a layer whose weights are stored in int8. */
export function hasIntegerWeights(graph: Graph, { node, float }: PlacedLayer): boolean {
  return weightOf(graph, node) !== undefined && (float === undefined || float === GATE);
}

/**
 * Integers of a layer, none for most that stay in float, and whether its bias was corrected: by the means of the channels of its input,
 * where `means` knows them.
 */
export function integersOf(
  layer: PlacedLayer,
  graph: Graph,
  scaleOf: (value: string) => number,
  means: (value: string) => Float64Array | undefined,
  options: Pick<Required<SchemeOptions>, "weights" | "clipWeights" | "weightRange">,
): IntegerLayer & { readonly isCorrected: boolean } {
  const { node, float } = layer;
  const weight = weightOf(graph, node);
  if (weight === undefined || !hasIntegerWeights(graph, layer)) return { isCorrected: false };
  const axis = options.weights === "channel" ? outputAxis(node, weight.shape.length) : undefined;
  const rounding = { clip: options.clipWeights, range: options.weightRange };
  if (float !== undefined) {
    const weights = quantizeWeights(weight, axis, rounding, { inputScale: 1 });
    return { weights, isCorrected: false };
  }
  const inputScale = scaleOf(node.inputs[0]);
  // A Gemm's third input may be any matrix, and its products may have factors: then it stays as it is.
  const hasBias = node.op !== "MatMul" &&
    (node.op !== "Gemm" || node.attributes.alpha === 1 && node.attributes.beta === 1);
  const given = hasBias && node.inputs.length > 2 ? graph.constants.get(node.inputs[2]) : undefined;
  const isVector = given?.shape.length === 1;
  let bias = isVector ? Float64Array.from(given.data) : undefined;
  const quantized = quantizeWeights(weight, axis, rounding, { bias, inputScale });
  const mean = hasBias && (isVector || node.inputs.length === 2) ? means(node.inputs[0]) : undefined;
  const errors = mean && expectedErrors(node, weight, quantized, mean);
  if (errors) bias = errors.map((error, channel) => (bias?.[channel] ?? 0) - error);
  return {
    weights: quantized,
    bias: bias && quantizeBias(bias, inputScale, quantized),
    isCorrected: errors !== undefined,
  };
}
