/**
 * The operators that only training has: sums over everything that an element of the input went into.
 *
 * @module
 */

import type { ActivationAttributes, Node } from "../graph/operators.ts";
import { unaryRow } from "../graph/unary.ts";
import { activationNode } from "../passes/recognise_activations.ts";
import { unary } from "./elementwise.ts";
import { mixes } from "./resize.ts";
import { stridesOf } from "../graph/graph.ts";
import { forEachIndex, type ReferenceTensor, zeros } from "./tensor.ts";

/** Gradient of Conv with respect to its weight: each tap's input times the output's gradient, over all windows. */
export function convWeightGradient(
  node: Node<"ConvWeightGradient">,
  [x, dy]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { strides, pads, dilations, groups, kernel } = node.attributes;
  const [batch, channels, height, width] = x.shape;
  const [, filters, rows, columns] = dy.shape;
  const depth = channels / groups;
  const out = zeros([filters, depth, ...kernel]);
  forEachIndex(out.shape, ([o, d, ky, kx], position) => {
    const c = Math.floor(o / (filters / groups)) * depth + d;
    let sum = 0;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < rows; i++) {
        const y = i * strides[0] - pads[0] + ky * dilations[0];
        if (y < 0 || y >= height) continue;
        for (let j = 0; j < columns; j++) {
          const xx = j * strides[1] - pads[1] + kx * dilations[1];
          if (xx < 0 || xx >= width) continue;
          sum += x.data[((n * channels + c) * height + y) * width + xx] *
            dy.data[((n * filters + o) * rows + i) * columns + j];
        }
      }
    }
    out.data[position] = sum;
  });
  return [out];
}

/** Channel of every element of `[N,C,...]`. */
function channelOf({ shape }: ReferenceTensor): (position: number) => number {
  const plane = stridesOf(shape)[1];
  return (position) => Math.floor(position / plane) % shape[1];
}

/** Sum over each channel of `[N,C,...]` of what `term` makes of a position. */
function perChannel(x: ReferenceTensor, term: (position: number, channel: number) => number): Float64Array {
  const sums = new Float64Array(x.shape[1]);
  const channel = channelOf(x);
  for (let position = 0; position < x.data.length; position++) {
    const c = channel(position);
    sums[c] += term(position, c);
  }
  return sums;
}

/** An activation that is an attribute of a node, on that node's result. */
function activated(node: Node, activation: ActivationAttributes, x: ReferenceTensor): ReferenceTensor {
  return unary(activationNode(activation, node.name, node.inputs[0], node.outputs[0]), [x])[0];
}

/** Batch normalisation by given statistics, with the activation that is an attribute. */
export function batchNormApply(
  node: Node<"BatchNormTraining" | "BatchNormApply">,
  [x, scale, bias, mean, inverse]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { activation } = node.attributes;
  const channel = channelOf(x);
  const data = x.data.map((value, i) => {
    const c = channel(i);
    return (value - mean.data[c]) * inverse.data[c] * scale.data[c] + bias.data[c];
  });
  const y = { shape: x.shape, data };
  return [activation ? activated(node, activation, y) : y];
}

/** Batch normalisation with the batch's own statistics (Ioffe & Szegedy 2015). */
export function batchNormTraining(
  node: Node<"BatchNormTraining">,
  [x, scale, bias, runningMean, runningVariance]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { epsilon, momentum } = node.attributes;
  const shape = [x.shape[1]];
  const count = x.data.length / x.shape[1];
  const mean = perChannel(x, (i) => x.data[i] / count);
  const squares = perChannel(x, (i, c) => (x.data[i] - mean[c]) ** 2);
  const inverse = squares.map((sum) => 1 / Math.sqrt(sum / count + epsilon));
  const statistics = [mean, inverse].map((data) => ({ shape, data }));
  const moved = (old: ReferenceTensor, now: (channel: number) => number): ReferenceTensor => ({
    shape,
    data: old.data.map((value, c) => (1 - momentum) * value + momentum * now(c)),
  });
  return [
    ...batchNormApply(node, [x, scale, bias, ...statistics]),
    ...statistics,
    moved(runningMean, (c) => mean[c]),
    moved(runningVariance, (c) => squares[c] / (count - 1)),
  ];
}

/** Gradient of BatchNormTraining with respect to x, scale and bias. */
export function batchNormGradient(
  node: Node<"BatchNormGradient">,
  [x, scale, mean, inverse, gradient, bias]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { activation } = node.attributes;
  const shape = [x.shape[1]];
  const count = x.data.length / x.shape[1];
  const channel = channelOf(x);
  const normal = (i: number, c: number) => (x.data[i] - mean.data[c]) * inverse.data[c];
  const throughActivation = (activation: ActivationAttributes): ReferenceTensor => {
    const data = x.data.map((_, i) => normal(i, channel(i)) * scale.data[channel(i)] + bias.data[channel(i)]);
    const normalised = { shape: x.shape, data };
    const { from } = unaryRow(activation.activation).derivative;
    const value = from === "input" ? normalised : activated(node, activation, normalised);
    return timesDerivative(activation, value, gradient);
  };
  const dy = activation ? throughActivation(activation) : gradient;
  const dBias = perChannel(x, (i) => dy.data[i]);
  const dScale = perChannel(x, (i, c) => dy.data[i] * normal(i, c));
  const dx = dy.data.map((value, i) => {
    const c = channel(i);
    return scale.data[c] * inverse.data[c] * (value - dBias[c] / count - normal(i, c) * dScale[c] / count);
  });
  return [{ shape: x.shape, data: dx }, { shape, data: dScale }, { shape, data: dBias }];
}

function timesDerivative(
  attributes: ActivationAttributes,
  value: ReferenceTensor,
  dy: ReferenceTensor,
): ReferenceTensor {
  const { activation, ...own } = attributes;
  const { at } = unaryRow(activation).derivative;
  return { shape: dy.shape, data: dy.data.map((gradient, i) => gradient * at(value.data[i], own)) };
}

/** The output's gradient times the activation's derivative. */
export function activationGradient(
  { attributes }: Node<"ActivationGradient">,
  [value, dy]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  return [timesDerivative(attributes, value, dy)];
}

/** Gradient of MaxPool: to the first greatest element of each window, by rows. */
export function maxPoolGradient(
  node: Node<"MaxPoolGradient">,
  [x, dy]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { kernel, strides, pads, dilations } = node.attributes;
  const [, channels, height, width] = x.shape;
  const out = zeros(x.shape);
  forEachIndex(dy.shape, ([n, c, i, j], position) => {
    let greatest = -Infinity, from = -1;
    for (let ky = 0; ky < kernel[0]; ky++) {
      const y = i * strides[0] - pads[0] + ky * dilations[0];
      if (y < 0 || y >= height) continue;
      for (let kx = 0; kx < kernel[1]; kx++) {
        const xx = j * strides[1] - pads[1] + kx * dilations[1];
        if (xx < 0 || xx >= width) continue;
        const at = ((n * channels + c) * height + y) * width + xx;
        if (x.data[at] <= greatest) continue;
        greatest = x.data[at];
        from = at;
      }
    }
    if (from >= 0) out.data[from] += dy.data[position];
  });
  return [out];
}

/** Gradient of ReduceMax: equal elements that are greatest share it evenly. */
export function reduceMaxGradient(
  node: Node<"ReduceMaxGradient">,
  [x, dy]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const kept = x.shape.map((extent, axis) => node.attributes.axes.includes(axis) ? 1 : extent);
  const steps = stridesOf(kept).map((stride, axis) => kept[axis] === 1 ? 0 : stride);
  const target = (index: readonly number[]) => index.reduce((sum, i, axis) => sum + i * steps[axis], 0);
  const greatest = new Float64Array(dy.data.length).fill(-Infinity);
  const counts = new Float64Array(dy.data.length);
  forEachIndex(x.shape, (index, position) => {
    const at = target(index);
    greatest[at] = Math.max(greatest[at], x.data[position]);
  });
  forEachIndex(x.shape, (index, position) => {
    const at = target(index);
    if (x.data[position] === greatest[at]) counts[at]++;
  });
  const out = zeros(x.shape);
  forEachIndex(x.shape, (index, position) => {
    const at = target(index);
    if (x.data[position] === greatest[at]) out.data[position] = dy.data[at] / counts[at];
  });
  return [out];
}

/** Gradient of Resize: every output element hands its gradient back to those it was mixed from, by their shares. */
export function resizeGradient(node: Node<"ResizeGradient">, [dy]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { from } = node.attributes;
  const [batch, channels, ...size] = dy.shape;
  const out = zeros([batch, channels, ...from]);
  const [rows, columns] = ([0, 1] as const).map((axis) => mixes(node.attributes, axis, from[axis]));
  forEachIndex([batch * channels, ...size], ([plane, i, j], position) => {
    const row = rows[i], column = columns[j];
    for (const [y, rowShare] of [[row.low, 1 - row.share], [row.high, row.share]]) {
      for (const [x, columnShare] of [[column.low, 1 - column.share], [column.high, column.share]]) {
        out.data[(plane * from[0] + y) * from[1] + x] += rowShare * columnShare * dy.data[position];
      }
    }
  });
  return [out];
}

/** Gradient of Softmax from its output: y * (dy - sum of dy * y along the axis). */
export function softmaxGradient(
  node: Node<"SoftmaxGradient">,
  [y, dy]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { axis } = node.attributes;
  const extent = y.shape[axis], step = stridesOf(y.shape)[axis];
  const out = zeros(y.shape);
  for (let first = 0; first < y.data.length; first++) {
    if (Math.floor(first / step) % extent !== 0) continue;
    let sum = 0;
    for (let i = first; i < first + extent * step; i += step) sum += y.data[i] * dy.data[i];
    for (let i = first; i < first + extent * step; i += step) out.data[i] = y.data[i] * (dy.data[i] - sum);
  }
  return [out];
}
