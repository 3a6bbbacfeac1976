/**
 * Shape rules of the operators that only training has. Gradients have the shape of what they are the gradient of.
 *
 * @module
 */

import { type Shape, sizeOf, type TensorType } from "../graph.ts";
import type { Node } from "../operators.ts";
import {
  reject,
  requireAxis,
  requireFloat,
  requireImage,
  requireIntegers,
  requireVector,
  result,
  type ShapeRule,
  show,
} from "./common.ts";
import { reduce } from "./contract.ts";
import { checkResize, convolved, pooled } from "./window.ts";

function requireShape(node: Node, what: string, { shape }: TensorType, expected: Shape): void {
  if (show(shape) !== show(expected)) reject(node, `${what} must be ${show(expected)} but is ${show(shape)}`);
}

/** x `[N,C,H,W]`, dy `[N,O,H',W']` -> `[O,C/groups,kh,kw]`. */
export const convWeightGradient: ShapeRule<"ConvWeightGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  const [x, dy] = inputs.map(({ shape }) => shape);
  const { kernel, groups } = node.attributes;
  requireImage(node, x);
  requireImage(node, dy);
  requireIntegers(node, "kernel", kernel, 1);
  requireIntegers(node, "groups", [groups], 1);
  const weight = [dy[1], x[1] / groups, ...kernel];
  requireShape(node, "gradient of the output", inputs[1], convolved(node, x, weight));
  return result(node, "f32", weight, inputs);
};

/** x `[N,C,...]` and four `[C]` -> y as x, then four `[C]`. */
export const batchNormTraining: ShapeRule<"BatchNormTraining"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { shape } = inputs[0];
  if (shape.length < 2) reject(node, `input must have rank 2 or more but is ${show(shape)}`);
  const channels = shape[1];
  ["scale", "bias", "running mean", "running variance"].forEach((what, index) =>
    requireVector(node, what, inputs[1 + index].shape, channels)
  );
  if (sizeOf(shape) === channels) reject(node, `input ${show(shape)} has one number a channel, which has no variance`);
  const vector: TensorType = { dtype: "f32", shape: [channels] };
  return [{ dtype: "f32", shape }, vector, vector, vector, vector];
};

/** x `[N,C,...]`, three `[C]`, dy as x, with an activation one more `[C]` -> dx as x, then two `[C]`. */
export const batchNormGradient: ShapeRule<"BatchNormGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  const [{ shape }, scale, mean, inverseDeviation, dy, bias] = inputs;
  if (shape.length < 2) reject(node, `input must have rank 2 or more but is ${show(shape)}`);
  const channels = shape[1];
  requireVector(node, "scale", scale.shape, channels);
  requireVector(node, "mean", mean.shape, channels);
  requireVector(node, "inverse deviation", inverseDeviation.shape, channels);
  requireShape(node, "gradient of the output", dy, shape);
  if (bias) requireVector(node, "bias", bias.shape, channels);
  else if (node.attributes.activation) reject(node, "the gradient through an activation needs the bias");
  const vector: TensorType = { dtype: "f32", shape: [channels] };
  return [{ dtype: "f32", shape }, vector, vector];
};

/** x `[N,C,...]` and four `[C]` -> as x. */
export const batchNormApply: ShapeRule<"BatchNormApply"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { shape } = inputs[0];
  if (shape.length < 2) reject(node, `input must have rank 2 or more but is ${show(shape)}`);
  ["scale", "bias", "mean", "inverse deviation"].forEach((what, index) =>
    requireVector(node, what, inputs[1 + index].shape, shape[1])
  );
  return result(node, "f32", shape, inputs);
};

/** A value and a gradient of its shape, kept. */
export const activationGradient: ShapeRule<"ActivationGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  requireShape(node, "gradient of the output", inputs[1], inputs[0].shape);
  return result(node, "f32", inputs[0].shape, inputs);
};

/** x `[N,C,H,W]`, dy as the pooled -> as x. */
export const maxPoolGradient: ShapeRule<"MaxPoolGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { shape } = inputs[0];
  requireShape(node, "gradient of the output", inputs[1], pooled(node, shape, node.attributes));
  return result(node, "f32", shape, inputs);
};

/** x, dy as the reduced -> as x. */
export const reduceMaxGradient: ShapeRule<"ReduceMaxGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  const [reduced] = reduce(node, [inputs[0]]);
  requireShape(node, "gradient of the output", inputs[1], reduced.shape);
  return result(node, "f32", inputs[0].shape, inputs);
};

/** dy `[N,C,size]` -> `[N,C,from]`. */
export const resizeGradient: ShapeRule<"ResizeGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { shape } = inputs[0];
  requireImage(node, shape);
  const { from, size } = node.attributes;
  requireIntegers(node, "from", from, 1);
  const resized = [shape[0], shape[1], ...from];
  checkResize(node, resized);
  requireShape(node, "gradient of the output", inputs[0], [shape[0], shape[1], ...size]);
  return result(node, "f32", resized, inputs);
};

/** y and dy of one shape, kept. */
export const softmaxGradient: ShapeRule<"SoftmaxGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { shape } = inputs[0];
  requireAxis(node, node.attributes.axis, shape);
  requireShape(node, "gradient of the output", inputs[1], shape);
  return result(node, "f32", shape, inputs);
};
