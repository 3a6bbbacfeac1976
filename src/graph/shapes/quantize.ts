/**
 * Shape rules of operators between floats and whole numbers, and of products of whole numbers.
 *
 * @module
 */

import { type ElementType, type Shape, sizeOf, type TensorType } from "../graph.ts";
import type { Node } from "../operators.ts";
import { packedBytes, WEIGHT_BITS } from "../packed_weights.ts";
import {
  reject,
  requireAxis,
  requireFloat,
  requireIntegers,
  requireVector,
  result,
  type ShapeRule,
  show,
} from "./common.ts";
import { matrixProduct } from "./contract.ts";
import { convolved } from "./window.ts";

function requireType(node: Node, what: string, { dtype }: TensorType, allowed: readonly ElementType[]): void {
  if (!allowed.includes(dtype)) reject(node, `${what} is ${dtype}, the operator needs ${allowed.join(" or ")}`);
}

const BYTES: readonly ElementType[] = ["i8", "u8"];

/** True for one number, as `[]` or `[1]`. */
const isSingle = ({ shape }: TensorType) => shape.length < 2 && sizeOf(shape) === 1;

/** Requires one scale and zero point, or one for each index of the axis. */
function requireScales(node: Node<"QuantizeLinear" | "DequantizeLinear">, inputs: readonly TensorType[]): void {
  const [x, scale, zeroPoint] = inputs;
  requireType(node, "scale", scale, ["f32"]);
  // onnxruntime writes [1] beside [].
  if (isSingle(scale) && isSingle(zeroPoint)) return;
  if (show(scale.shape) !== show(zeroPoint.shape)) {
    reject(node, `scale ${show(scale.shape)} and zero point ${show(zeroPoint.shape)} differ in shape`);
  }
  const { axis } = node.attributes;
  requireAxis(node, axis, x.shape);
  if (scale.shape.length !== 1 || scale.shape[0] !== x.shape[axis]) {
    reject(node, `scale ${show(scale.shape)} does not go along axis ${axis} of ${show(x.shape)}`);
  }
}

/** f32 of any shape -> i8 or u8, as the zero point is. */
export const quantizeLinear: ShapeRule<"QuantizeLinear"> = (node, inputs) => {
  const [x, , zeroPoint] = inputs;
  requireFloat(node, [x]);
  requireType(node, "zero point", zeroPoint, BYTES);
  requireScales(node, inputs);
  return result(node, zeroPoint.dtype, x.shape, inputs);
};

/** i8, u8 or i32 of any shape, with a zero point of the same type -> f32. */
export const dequantizeLinear: ShapeRule<"DequantizeLinear"> = (node, inputs) => {
  const [x, , zeroPoint] = inputs;
  requireType(node, "input 0", x, [...BYTES, "i32"]);
  requireType(node, "zero point", zeroPoint, [x.dtype]);
  requireScales(node, inputs);
  return result(node, "f32", x.shape, inputs);
};

/** f32 of any shape -> u8 of that shape, its scale (f32) and its zero point (u8), both `[]`. */
export const dynamicQuantizeLinear: ShapeRule<"DynamicQuantizeLinear"> = (node, inputs) => {
  requireFloat(node, inputs);
  return [{ dtype: "u8", shape: inputs[0].shape }, { dtype: "f32", shape: [] }, { dtype: "u8", shape: [] }];
};

/** Requires bytes with a zero point for each: one number or, for the second factor, one for each of its outputs. */
function requireFactors(node: Node, [a, b, zeroA, zeroB]: readonly TensorType[], outputs: number): void {
  requireType(node, "input 0", a, BYTES);
  requireType(node, "input 1", b, BYTES);
  requireType(node, "zero point of input 0", zeroA, [a.dtype]);
  requireType(node, "zero point of input 1", zeroB, [b.dtype]);
  if (!isSingle(zeroA)) reject(node, `zero point ${show(zeroA.shape)} of input 0 must be one number`);
  if (!isSingle(zeroB) && show(zeroB.shape) !== show([outputs])) {
    reject(node, `zero point ${show(zeroB.shape)} of input 1 must be one number or [${outputs}]`);
  }
}

/** As Conv without bias, on bytes; the zero point of the weight may be `[O]`. */
export const convInteger: ShapeRule<"ConvInteger"> = (node, inputs) => {
  const shape: Shape = convolved(node, inputs[0].shape, inputs[1].shape);
  requireFactors(node, inputs, shape[1]);
  return result(node, "i32", shape, inputs);
};

/** As MatMul, on bytes; the zero point of the second matrix may be `[N]`. */
export const matMulInteger: ShapeRule<"MatMulInteger"> = (node, inputs) => {
  const shape = matrixProduct(node, inputs[0].shape, inputs[1].shape);
  requireFactors(node, inputs, shape[shape.length - 1]);
  return result(node, "i32", shape, inputs);
};

/** Packed codes, a list of u8, and one scale for each output channel -> f32 of the shape that the node states. */
export const unpackWeights: ShapeRule<"UnpackWeights"> = (node, inputs) => {
  const { bits, shape } = node.attributes;
  const [packed, scale] = inputs;
  if (!WEIGHT_BITS.includes(bits)) reject(node, `weights of ${bits} bits are not known; there are 1, 2 and 4`);
  if (shape.length === 0) reject(node, "weights need an axis of output channels");
  requireIntegers(node, "shape", shape, 1);
  requireType(node, "packed weights", packed, ["u8"]);
  requireType(node, "scale", scale, ["f32"]);
  const bytes = packedBytes(bits, sizeOf(shape));
  if (show(packed.shape) !== show([bytes])) {
    reject(node, `packed weights ${show(packed.shape)} must be [${bytes}] for ${bits} bits of ${show(shape)}`);
  }
  requireVector(node, "scale", scale.shape, shape[0]);
  return result(node, "f32", shape, inputs);
};

/** Any shape, kept. */
export const cast: ShapeRule<"Cast"> = (node, inputs) => result(node, node.attributes.to, inputs[0].shape, inputs);
