/**
 * The number that a float becomes when it is quantized: ONNX's QuantizeLinear for a single element, as onnxruntime computes it.
 *
 * @module
 */

import type { ElementType } from "./graph.ts";

/** Least and greatest number of the types that floats are quantized to. */
export const QUANTIZED_RANGE: Readonly<Record<Extract<ElementType, "i8" | "u8">, readonly [number, number]>> = {
  i8: [-128, 127],
  u8: [0, 255],
};

/** The nearest whole number; of two, the even one. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value), rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

/** x / scale, divided in f32, rounded half to even, plus the zero point, saturated to the type. */
export function quantizeValue(x: number, scale: number, zeroPoint: number, dtype: "i8" | "u8"): number {
  const [least, most] = QUANTIZED_RANGE[dtype];
  const steps = Math.fround(Math.fround(x) / Math.fround(scale));
  return Math.min(Math.max(roundHalfEven(steps) + zeroPoint, least), most);
}
