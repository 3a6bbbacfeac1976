/**
 * Shape rules of the operators of quantization-aware training: any shape, kept.
 *
 * @module
 */

import { WEIGHT_BITS } from "../packed_weights.ts";
import { QUANTIZED_RANGE } from "../quantized_value.ts";
import { reject, requireFloat, result, type ShapeRule } from "./common.ts";

/** f32 of any shape, kept. */
export const fakeQuantize: ShapeRule<"FakeQuantize"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { scale, zeroPoint } = node.attributes;
  const [least, most] = QUANTIZED_RANGE.i8;
  const inF32 = Math.fround(scale);
  if (!(inF32 > 0 && inF32 < Infinity)) reject(node, `scale ${scale} must be a positive number that f32 holds`);
  if (!Number.isInteger(zeroPoint) || zeroPoint < least || zeroPoint > most) {
    reject(node, `zero point ${zeroPoint} must be a whole number of ${least} to ${most}`);
  }
  return result(node, "f32", inputs[0].shape, inputs);
};

/** f32 with channels on axis 1 where there is more than one scale, kept. */
export const noisyQuantize: ShapeRule<"NoisyQuantize"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { scales, step, low, high, sigma, seed } = node.attributes, [{ shape }] = inputs;
  const isScale = (value: number) => Math.fround(value) > 0 && Math.fround(value) < Infinity;
  if (scales.length === 0 || !scales.every(isScale)) reject(node, "scales must be positive numbers that f32 holds");
  if (scales.length > 1 && shape[1] !== scales.length) {
    reject(node, `${scales.length} scales do not fit the channels of [${shape}]`);
  }
  if (!isScale(step)) reject(node, `step ${step} must be a positive number that f32 holds`);
  // Beyond 2 ** 23 f32 has no halves to round.
  const isLevel = (level: number) => Number.isInteger(level) && Math.abs(level) <= 2 ** 23;
  if (!isLevel(low) || !isLevel(high) || low >= high) {
    reject(node, `levels ${low} to ${high} must be whole numbers within 2 ** 23, the lower one first`);
  }
  if (!(sigma >= 0 && sigma < Infinity)) reject(node, `sigma ${sigma} must be a number of at least 0`);
  if (!Number.isInteger(seed)) reject(node, `seed ${seed} must be a whole number`);
  return result(node, "f32", shape, inputs);
};

/** f32 with an axis of output channels first, kept. */
export const fakeQuantizeWeights: ShapeRule<"FakeQuantizeWeights"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { bits } = node.attributes;
  const [{ shape }] = inputs;
  if (bits !== 8 && !WEIGHT_BITS.includes(bits)) {
    reject(node, `weights of ${bits} bits are not known; there are 1, 2, 4 and 8`);
  }
  if (shape.length === 0) reject(node, "weights need an axis of output channels");
  return result(node, "f32", shape, inputs);
};
