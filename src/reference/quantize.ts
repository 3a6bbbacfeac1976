/**
 * Operators between floats and whole numbers, and products of whole numbers.
 *
 * Whole numbers are exact. Where onnxruntime divides and multiplies by scales in f32, every result is rounded to f32 here, too, so
 * that both round to the same side of a half.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { type ElementType, stridesOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { quantizeValue, roundHalfEven } from "../graph/quantized_value.ts";
import { matMul } from "./contract.ts";
import { type ReferenceTensor, referenceTensor, zeros } from "./tensor.ts";
import { conv } from "./window.ts";

/** Index into a table of one number, or of one for each index along the axis, for a position in a row-major tensor. */
function tableIndex(x: ReferenceTensor, axis: number, table: ReferenceTensor): (position: number) => number {
  if (table.data.length === 1) return () => 0;
  const step = stridesOf(x.shape)[axis], extent = x.shape[axis];
  return (position) => Math.floor(position / step) % extent;
}

/** ONNX QuantizeLinear. */
export function quantizeLinear(
  node: Node<"QuantizeLinear">,
  [x, scale, zeroPoint]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { dtype } = zeroPoint;
  if (dtype !== "i8" && dtype !== "u8") {
    throw new FeatherdetError(`zero point is ${dtype}`, { node: node.name, operator: node.op });
  }
  const at = tableIndex(x, node.attributes.axis, scale);
  const data = x.data.map((value, position) =>
    quantizeValue(value, scale.data[at(position)], zeroPoint.data[at(position)], dtype)
  );
  return [{ shape: x.shape, data }];
}

/** ONNX DequantizeLinear. */
export function dequantizeLinear(
  node: Node<"DequantizeLinear">,
  [x, scale, zeroPoint]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const at = tableIndex(x, node.attributes.axis, scale);
  const data = x.data.map((value, position) =>
    Math.fround(Math.fround(value - zeroPoint.data[at(position)]) * Math.fround(scale.data[at(position)]))
  );
  return [{ shape: x.shape, data }];
}

/** ONNX DynamicQuantizeLinear: the range of the tensor, widened to hold 0, in 255 steps. */
export function dynamicQuantizeLinear(
  _: Node<"DynamicQuantizeLinear">,
  [x]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { fround } = Math;
  const least = fround(x.data.reduce((a, b) => Math.min(a, b), 0));
  const most = fround(x.data.reduce((a, b) => Math.max(a, b), 0));
  const scale = most === least ? 1 : fround(fround(most - least) / 255);
  const zeroPoint = roundHalfEven(Math.min(Math.max(-fround(least / scale), 0), 255));
  const data = x.data.map((value) => quantizeValue(value, scale, zeroPoint, "u8"));
  return [{ shape: x.shape, data }, referenceTensor([], [scale]), referenceTensor([], [zeroPoint])];
}

/** The numbers less their zero point; one zero point for all, or one for each index along the axis. */
function centred(x: ReferenceTensor, zeroPoint: ReferenceTensor, axis: number): ReferenceTensor {
  const at = tableIndex(x, axis, zeroPoint);
  return { shape: x.shape, data: x.data.map((value, position) => value - zeroPoint.data[at(position)]) };
}

/** Sums as 32 bits hold them. */
const wrapped = (sums: ReferenceTensor[]) =>
  sums.map(({ shape, data }) => ({ shape, data: data.map((sum) => sum | 0) }));

/** ONNX ConvInteger: pads stand for the zero point, which is 0 once the input is centred. */
export function convInteger(
  node: Node<"ConvInteger">,
  [x, weight, zeroX, zeroWeight]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  return wrapped(conv({ ...node, op: "Conv" }, [centred(x, zeroX, 0), centred(weight, zeroWeight, 0)]));
}

/** ONNX MatMulInteger. */
export function matMulInteger(
  node: Node<"MatMulInteger">,
  [a, b, zeroA, zeroB]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const factors = [centred(a, zeroA, 0), centred(b, zeroB, b.shape.length - 1)];
  return wrapped(matMul({ ...node, op: "MatMul" }, factors));
}

/** The level of each packed code times the scale of its output channel. */
export function unpackWeights(
  { attributes: { bits, shape } }: Node<"UnpackWeights">,
  [packed, scale]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const y = zeros(shape);
  const channel = stridesOf(shape)[0], codes = 2 ** bits;
  for (let i = 0; i < y.data.length; i++) {
    const place = i % (8 / bits);
    const code = Math.floor(packed.data[(i - place) * bits / 8] / codes ** place) % codes;
    // Binary: -1, 1. Ternary: -1, 0, 1. Four bits: two's complement.
    const level = bits === 1 ? 2 * code - 1 : bits === 2 ? code - 1 : code < 8 ? code : code - 16;
    y.data[i] = Math.fround(level * scale.data[Math.floor(i / channel)]);
  }
  return [y];
}

/** What a number becomes in another type; whole numbers drop the fraction and wrap. */
const CAST: Readonly<Record<ElementType, (value: number) => number>> = {
  f32: Math.fround,
  i32: (value) => value | 0,
  i8: (value) => value << 24 >> 24,
  u8: (value) => value & 255,
};

/** ONNX Cast. */
export function cast(node: Node<"Cast">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  return [{ shape: x.shape, data: x.data.map(CAST[node.attributes.to]) }];
}
