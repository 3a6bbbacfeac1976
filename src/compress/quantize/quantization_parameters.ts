/**
 * The affine map between real numbers and int8: `x = (q - zeroPoint) * scale`, as ONNX's QuantizeLinear and DequantizeLinear have it
 * (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference").
 *
 * @module
 */

import { roundHalfEven } from "../../graph/mod.ts";

/** Least and greatest int8. */
export const LEAST = -128, GREATEST = 127;

/** Real numbers between two bounds; it includes zero. */
export interface Range {
  /** Zero or less. */
  readonly low: number;
  /** Zero or more. */
  readonly high: number;
}

/** How a tensor is stored in int8. */
export interface QuantizationParameters {
  /** Real numbers between neighbouring integers; positive, exact in f32. */
  readonly scale: number;
  /** The int8 that stands for zero. */
  readonly zeroPoint: number;
}

/** A positive scale as f32; ranges of no width get 1, since any will do for nothing but zeros. */
function storable(scale: number): number {
  const single = Math.fround(scale);
  return single > 0 ? single : 1;
}

/**
 * The map that uses all of int8 for a range. Asymmetric: zero is where it falls. Symmetric: zero is 0, -128 goes unused, and the range
 * is widened to its greater side.
 */
export function quantizationParametersFor({ low, high }: Range, symmetric: boolean): QuantizationParameters {
  if (symmetric) return { scale: storable(Math.max(-low, high) / GREATEST), zeroPoint: 0 };
  const scale = storable((high - low) / (GREATEST - LEAST));
  const zeroPoint = Math.min(GREATEST, Math.max(LEAST, roundHalfEven(LEAST - low / scale)));
  return { scale, zeroPoint };
}

/** The real numbers that a map can store without clipping. */
export function rangeOf({ scale, zeroPoint }: QuantizationParameters): Range {
  return { low: (LEAST - zeroPoint) * scale, high: (GREATEST - zeroPoint) * scale };
}

/** A real number as it comes back from int8. */
export function throughInt8(value: number, { scale, zeroPoint }: QuantizationParameters): number {
  const level = roundHalfEven(value / scale) + zeroPoint;
  return (Math.min(GREATEST, Math.max(LEAST, level)) - zeroPoint) * scale;
}

/** Signal-to-noise ratio in decibels, `10 log10(signal / noise)`; null if there is no noise. */
export function decibels(signal: number, noise: number): number | null {
  return noise > 0 ? 10 * Math.log10(signal / noise) : null;
}
