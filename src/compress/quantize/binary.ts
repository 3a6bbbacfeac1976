/**
 * Binary weights: each is -1 or 1 times the scale of its output channel (Rastegari et al. 2016, "XNOR-Net: ImageNet Classification
 * Using Binary Convolutional Neural Networks", its Binary-Weight-Networks).
 *
 * @module
 */

import type { LowBitChannel } from "./low_bit_channel.ts";

/** Binary weights of least square error: the signs, and the mean absolute weight for a scale. Zero counts as positive. */
export function binaryChannel(values: ArrayLike<number>): LowBitChannel {
  const levels = Int8Array.from(values, (value) => value < 0 ? -1 : 1);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]);
  return { levels, scale: Math.fround(sum / values.length) };
}
