/**
 * Weights and biases in integers: symmetric int8 with a scale for each output channel (or one for all), int32 biases in the scale of
 * the products.
 *
 * @module
 */

import { type Constant, type Graph, type Node, roundHalfEven, sizeOf, weightAxes } from "../../graph/mod.ts";
import { decibels, GREATEST } from "./quantization_parameters.ts";
import type { LayerOperator } from "./layers.ts";
import { squareError } from "./observers/mse.ts";

/** How weights become integers. */
export interface WeightScheme {
  /** A scale for each output channel, or one for the whole tensor. */
  readonly granularity: "channel" | "tensor";
  /** Clip the weights where that makes the mean square error of a channel least; else the greatest weight decides. */
  readonly clip: boolean;
  /** Levels up to 127, or up to 63: sums of two products of u8 and such weights fit in 16 bits. */
  readonly range: "full" | "reduced";
}

/** Greatest level of weights. */
const GREATEST_WEIGHT = { full: GREATEST, reduced: 63 } as const;

/** Greatest bias in steps: int32 with room for the products. */
const BIAS_LIMIT = 2 ** 30;

/** Steps that a bias gets at least where there are no weights to give a scale. */
const BIAS_STEPS = 2 ** 20;

/** Scales tried for clipped weights, as shares of the whole range. */
const CLIP_STEPS = 80, LEAST_CLIP = 0.2;

/** Weights in int8. */
export interface IntegerWeights {
  readonly data: Int8Array<ArrayBuffer>;
  /** One for each output channel, or a single one. */
  readonly scales: Float32Array<ArrayBuffer>;
  /** Axis of the output channels; undefined for a single scale. */
  readonly axis: number | undefined;
  /** Power of the weights over that of their errors, in decibels; null if there is no error. */
  readonly sqnr: number | null;
}

/** Axis of the output channels in a layer's second input; undefined if it has no such axis, and one scale has to do. */
export function outputAxis(node: Node<LayerOperator>, rank: number): number | undefined {
  if (node.op === "ConvTranspose" && node.attributes.groups > 1 || node.op === "MatMul" && rank > 2) return undefined;
  return weightAxes(node, 1, rank).out;
}

/** The weights of a layer: its second input, where that is constant. */
export function weightOf(graph: Graph, { inputs }: Node<LayerOperator>): Constant | undefined {
  return graph.constants.get(inputs[1]);
}

/** The scale of least square error for some weights, among those that clip none to most of them. */
function clippedScale(values: Float64Array, scale: number): number {
  const counts = new Float64Array(values.length).fill(1);
  let best = scale, least = squareError(values, counts, { scale, zeroPoint: 0 }, -GREATEST);
  for (let step = 1; step <= CLIP_STEPS; step++) {
    const smaller = scale * (1 - step * (1 - LEAST_CLIP) / CLIP_STEPS);
    const error = squareError(values, counts, { scale: smaller, zeroPoint: 0 }, -GREATEST);
    if (error < least) [best, least] = [smaller, error];
  }
  return best;
}

/**
 * Quantizes weights. `bias` (or zero) and `inputScale` (of the activations they are multiplied with) only matter for channels whose
 * weights are so small that the bias in their scale would not fit in int32.
 */
export function quantizeWeights(
  { data, shape }: Pick<Constant, "data" | "shape">,
  axis: number | undefined,
  { clip, range = "full" }: Pick<WeightScheme, "clip"> & Partial<Pick<WeightScheme, "range">>,
  { bias, inputScale }: { readonly bias?: ArrayLike<number>; readonly inputScale: number },
): IntegerWeights {
  const greatest = GREATEST_WEIGHT[range];
  const channels = axis === undefined ? 1 : shape[axis];
  const inner = axis === undefined ? data.length : sizeOf(shape.slice(axis + 1));
  const channelOf = (i: number) => Math.floor(i / inner) % channels;
  const members = Array.from({ length: channels }, () => new Float64Array(data.length / channels));
  const filled = new Int32Array(channels);
  for (let i = 0; i < data.length; i++) {
    const channel = channelOf(i);
    members[channel][filled[channel]++] = data[i];
  }
  const greatestBias = (channel: number) => {
    const list = Array.from(bias ?? []);
    return axis === undefined ? Math.max(0, ...list.map(Math.abs)) : Math.abs(list[channel] ?? 0);
  };
  const scales = Float32Array.from(members, (values, channel) => {
    const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const whole = most / greatest;
    const reach = greatestBias(channel) / inputScale;
    if (Math.fround(whole) === 0) return reach > 0 ? reach / BIAS_STEPS : 1;
    return Math.max(clip ? clippedScale(values, whole) : whole, reach / BIAS_LIMIT);
  });
  const integers = new Int8Array(data.length);
  let signal = 0, noise = 0;
  for (let i = 0; i < data.length; i++) {
    const scale = scales[channelOf(i)];
    const level = Math.min(greatest, Math.max(-greatest, roundHalfEven(data[i] / scale)));
    integers[i] = level;
    signal += data[i] ** 2;
    noise += (data[i] - level * scale) ** 2;
  }
  return { data: integers, scales, axis, sqnr: decibels(signal, noise) };
}

/** A bias in int32, in steps of input scale x weight scale. */
export interface IntegerBias {
  readonly data: Int32Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
}

/** Quantizes the bias of a layer whose products have the scales `inputScale` x `weights.scales`. */
export function quantizeBias(bias: ArrayLike<number>, inputScale: number, weights: IntegerWeights): IntegerBias {
  const { scales: single } = weights;
  const scales = Float32Array.from(bias, (_, channel) => inputScale * single[single.length === 1 ? 0 : channel]);
  return { data: Int32Array.from(bias, (value, channel) => roundHalfEven(value / scales[channel])), scales };
}
