/**
 * Operators on single elements, and those that scale or normalise along an axis.
 *
 * @module
 */

import { stridesOf } from "../graph/graph.ts";
import type { BinaryOperator, Node } from "../graph/operators.ts";
import { type UnaryOperator, unaryRow } from "../graph/unary.ts";
import { type ReferenceTensor, restride, zeros } from "./tensor.ts";
import { pairValue } from "../graph/pairs.ts";

/** Every unary operator. */
export function unary(node: Node<UnaryOperator>, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { value } = unaryRow(node.op);
  return [{ shape: x.shape, data: x.data.map((element) => value(element, node.attributes)) }];
}

/** Every binary operator, with NumPy broadcasting. */
export function binary(node: Node<BinaryOperator>, [a, b]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const apply = pairValue(node.op)!;
  const rank = Math.max(a.shape.length, b.shape.length);
  const aligned = [a, b].map(({ shape }) => [...new Array<number>(rank - shape.length).fill(1), ...shape]);
  const shape = aligned[0].map((extent, axis) => Math.max(extent, aligned[1][axis]));
  const [spreadA, spreadB] = [a, b].map((x, i) => {
    const steps = stridesOf(aligned[i]).map((stride, axis) => aligned[i][axis] === 1 ? 0 : stride);
    return restride(x, shape, steps).data;
  });
  return [{ shape, data: spreadA.map((element, position) => apply(element, spreadB[position])) }];
}

/** ONNX BatchNormalization in inference form. */
export function batchNormalization(
  node: Node<"BatchNormalization">,
  [x, scale, bias, mean, variance]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const channels = x.shape[1];
  const plane = stridesOf(x.shape)[1];
  const data = x.data.map((element, position) => {
    const c = Math.floor(position / plane) % channels;
    return (element - mean.data[c]) / Math.sqrt(variance.data[c] + node.attributes.epsilon) * scale.data[c] +
      bias.data[c];
  });
  return [{ shape: x.shape, data }];
}

/** ONNX Softmax along one axis. */
export function softmax(node: Node<"Softmax">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axis } = node.attributes;
  const extent = x.shape[axis];
  const step = stridesOf(x.shape)[axis];
  const out = zeros(x.shape);
  const from = x.data, to = out.data;
  const most = new Float64Array(step), sum = new Float64Array(step);
  // Row by row, since heads of detectors have thousands of elements between two of one softmax.
  for (let block = 0; block < from.length; block += extent * step) {
    const end = block + extent * step;
    most.fill(-Infinity);
    sum.fill(0);
    for (let row = block; row < end; row += step) {
      for (let i = 0; i < step; i++) most[i] = Math.max(most[i], from[row + i]);
    }
    for (let row = block; row < end; row += step) {
      for (let i = 0; i < step; i++) sum[i] += to[row + i] = Math.exp(from[row + i] - most[i]);
    }
    for (let row = block; row < end; row += step) {
      for (let i = 0; i < step; i++) to[row + i] /= sum[i];
    }
  }
  return [out];
}
