/**
 * ONNX operators that normalise by statistics of the input itself: means, differences and quotients of the graph.
 *
 * @module
 */

import type { Shape } from "../../graph/graph.ts";
import type { OnnxOperator } from "../draft.ts";
import { DraftList } from "../draft_list.ts";
import type { NodeReader } from "../reader.ts";

/** The root of a value and a small number. */
function rootAbove(list: DraftList, value: string, epsilon: number): string {
  return list.unary("Sqrt", list.binary("Add", value, list.number(epsilon)), {});
}

/** x less its mean over axes, where wanted, over the root of the mean square. */
function normalized(list: DraftList, x: string, axes: readonly number[], epsilon: number, centred = true): string {
  const mean = (value: string) => list.add("ReduceMean", [value], { axes, keepDims: true });
  const apart = centred ? list.binary("Sub", x, mean(x)) : x;
  return list.binary("Div", apart, rootAbove(list, mean(list.binary("Mul", apart, apart)), epsilon));
}

/** Axes from the stated one on. */
function axesFrom(node: NodeReader): number[] {
  const { length } = node.shape(0);
  const first = node.axis(node.int("axis", -1), length);
  return Array.from({ length: length - first }, (_, index) => first + index);
}

/** Over the axes from `axis` on, with a scale and a shift for each of their elements. */
export const layerNormalization: OnnxOperator = (node) => {
  // Sums are f32 in any case.
  node.ignore("stash_type");
  const list = new DraftList(node);
  const [x, scale, shift] = node.operands(2, 3);
  const axes = axesFrom(node), [, meanName, inverseName] = node.outputs;
  // The mean and one over the deviation may be wanted, too.
  const mean = list.add("ReduceMean", [x], { axes, keepDims: true }, { output: meanName || undefined });
  const apart = list.binary("Sub", x, mean);
  const variance = list.add("ReduceMean", [list.binary("Mul", apart, apart)], { axes, keepDims: true });
  const deviation = rootAbove(list, variance, node.float("epsilon", 1e-5));
  if (inverseName) list.add("Div", [list.number(1), deviation], {}, { output: inverseName });
  const scaled = list.binary("Mul", list.binary("Div", apart, deviation), scale);
  if (shift) list.binary("Add", scaled, shift);
  return list.finish();
};

/** Without the mean. */
export const rmsNormalization: OnnxOperator = (node) => {
  node.ignore("stash_type");
  const list = new DraftList(node);
  const [x, scale] = node.operands(2, 2);
  list.binary("Mul", normalized(list, x, axesFrom(node), node.float("epsilon", 1e-5), false), scale);
  return list.finish();
};

/** A vector `[C]` as `[C,1,...]`, for a tensor of that rank. */
function perChannel(node: NodeReader, list: DraftList, index: number, rank: number): string {
  const shape = node.shape(index);
  if (shape.length !== 1) node.fail(`input ${index} [${shape.join(",")}] must be one number a channel`);
  return list.regroup(node.input(index), shape, [[0], ...Array.from({ length: rank - 2 }, () => [])]);
}

/** Over the pixels of each channel of each picture. */
export const instanceNormalization: OnnxOperator = (node) => {
  const { length } = node.shape(0);
  if (length < 3) node.fail(`input [${node.shape(0).join(",")}] has no spatial axes`);
  const list = new DraftList(node);
  const axes = Array.from({ length: length - 2 }, (_, index) => index + 2);
  const plain = normalized(list, node.input(0), axes, node.float("epsilon", 1e-5));
  const scaled = list.binary("Mul", plain, perChannel(node, list, 1, length));
  list.binary("Add", scaled, perChannel(node, list, 2, length));
  return list.finish();
};

/** Over the channels of a group and their pixels; scale and shift are one a channel, before operator set 21 one a group. */
export const groupNormalization: OnnxOperator = (node) => {
  node.ignore("stash_type");
  const shape: Shape = node.shape(0), groups = node.int("num_groups", 0);
  if (shape.length < 3 || shape[1] % groups !== 0) {
    node.fail(`input [${shape.join(",")}] has not ${groups} groups of channels`);
  }
  const list = new DraftList(node);
  const split = [shape[0], groups, shape[1] / groups, ...shape.slice(2)];
  const axes = split.map((_, axis) => axis).slice(2);
  const apart = normalized(
    list,
    list.add("Reshape", [node.input(0)], { shape: split }),
    axes,
    node.float("epsilon", 1e-5),
  );
  const early = node.opset < 21;
  const [scale, shift] = [1, 2].map((index) => perChannel(node, list, index, early ? split.length : shape.length));
  if (early) {
    const adjusted = list.binary("Add", list.binary("Mul", apart, scale), shift);
    list.add("Reshape", [adjusted], { shape });
  } else {
    list.binary("Add", list.binary("Mul", list.add("Reshape", [apart], { shape }), scale), shift);
  }
  return list.finish();
};

/** x over the sum of sizes (p 1) or the root of the sum of squares (p 2) along one axis. */
export const lpNormalization: OnnxOperator = (node) => {
  const p = node.int("p", 2), axis = node.axis(node.int("axis", -1), node.shape(0).length);
  if (p !== 1 && p !== 2) node.fail(`p ${p} is not known`);
  const list = new DraftList(node), over = { axes: [axis], keepDims: true };
  const x = node.input(0);
  const sum = list.add("ReduceSum", [p === 1 ? list.unary("Abs", x, {}) : list.binary("Mul", x, x)], over);
  const size = p === 1 ? sum : list.unary("Sqrt", sum, {});
  // What is 0 throughout stays so.
  list.binary("Mask", size, list.binary("Div", x, size));
  return list.finish();
};

/** Over the mean and deviation along axes. */
export const meanVarianceNormalization: OnnxOperator = (node) => {
  const { length } = node.shape(0);
  const axes = (node.ints("axes") ?? [0, 2, 3]).map((axis) => node.axis(axis, length)).sort((a, b) => a - b);
  const list = new DraftList(node);
  // ONNX adds this to the deviation.
  const mean = (value: string) => list.add("ReduceMean", [value], { axes, keepDims: true });
  const apart = list.binary("Sub", node.input(0), mean(node.input(0)));
  const deviation = list.unary("Sqrt", mean(list.binary("Mul", apart, apart)), {});
  list.binary("Div", apart, list.binary("Add", deviation, list.number(1e-9)));
  return list.finish();
};
