/**
 * Shape rules of operators that keep their input's shape, and of those that broadcast.
 *
 * @module
 */

import type { BinaryOperator } from "../operators.ts";
import { type UnaryOperator, unaryRow } from "../unary.ts";
import { broadcast, reject, requireAxis, requireFloat, requireVector, result, type ShapeRule, show } from "./common.ts";

/** Any shape, kept. */
export const unary: ShapeRule<UnaryOperator> = (node, inputs) => {
  requireFloat(node, inputs);
  const fault = unaryRow(node.op).refuse?.(node.attributes);
  if (fault) reject(node, fault);
  return result(node, "f32", inputs[0].shape, inputs);
};

/** Two shapes, broadcast as in NumPy. */
export const binary: ShapeRule<BinaryOperator> = (node, inputs) => {
  requireFloat(node, inputs);
  const [a, b] = inputs.map((input) => input.shape);
  const shape = broadcast(a, b) ?? reject(node, `shapes ${show(a)} and ${show(b)} do not broadcast`);
  return result(node, "f32", shape, inputs);
};

/** `[N,C,...]` with four `[C]`, kept. */
export const batchNormalization: ShapeRule<"BatchNormalization"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { shape } = inputs[0];
  if (shape.length < 2) reject(node, `input must have rank 2 or more but is ${show(shape)}`);
  ["scale", "bias", "mean", "variance"].forEach((what, index) =>
    requireVector(node, what, inputs[1 + index].shape, shape[1])
  );
  return result(node, "f32", shape, inputs);
};

/** Any shape of rank 1 or more, kept. */
export const softmax: ShapeRule<"Softmax"> = (node, inputs) => {
  requireFloat(node, inputs);
  requireAxis(node, node.attributes.axis, inputs[0].shape);
  return result(node, "f32", inputs[0].shape, inputs);
};
