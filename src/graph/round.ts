/**
 * Rounding as models and their tools do it.
 *
 * @module
 */

/** Nearest integer, halves to the even one: the rounding of IEEE 754, of ONNX's QuantizeLinear and of Python. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || rest === 0.5 && floor % 2 === 0 ? floor : floor + 1;
}
