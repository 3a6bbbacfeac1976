/**
 * ONNX operators that act on each element, with or without broadcasting.
 *
 * @module
 */

import type { BinaryOperator, OperatorAttributes } from "../../graph/operators.ts";
import { UNARY_OPERATORS, unaryRow } from "../../graph/unary.ts";
import { wideAxis } from "../../passes/sizes/rule.ts";
import { sizeOf } from "../../graph/graph.ts";
import { ALIAS, draft, type OnnxOperator } from "../draft.ts";
import { DraftList } from "../draft_list.ts";
import type { NodeReader } from "../reader.ts";

/** The unary operators that ONNX has by the same name, their attributes numbers of the node. */
export function unaryOperators(): Record<string, OnnxOperator> {
  const known = UNARY_OPERATORS.filter((op) => unaryRow(op).onnx !== undefined);
  return Object.fromEntries(known.map((op) => {
    const defaults = Object.entries(unaryRow(op).attributes);
    const read: OnnxOperator = (node) => {
      const attributes = Object.fromEntries(defaults.map(([name, absent]) => [name, node.float(name, absent)]));
      return draft(node, op, attributes as OperatorAttributes[typeof op]);
    };
    return [op, read];
  }));
}

/** An operator of two inputs that broadcast. */
export function binary(op: BinaryOperator): OnnxOperator {
  return (node) => draft(node, op, {}, { inputs: node.operands(2, 2) });
}

/** Bounds as attributes before operator set 11, as inputs since; those that are computed, or cross each other, become Max and Min. */
export const clip: OnnxOperator = (node) => {
  const bound = (name: string, index: number, absent: number) => {
    if (node.opset < 11) return node.float(name, absent);
    return node.has(index) && !node.tensor(index) ? undefined : node.scalar(index, `bound ${name}`, absent);
  };
  const min = bound("min", 1, -Infinity), max = bound("max", 2, Infinity);
  if (min !== undefined && max !== undefined && min <= max) return draft(node, "Clip", { min, max });
  const list = new DraftList(node);
  const value = (index: number, number: number | undefined) => {
    const size = number === undefined ? sizeOf(node.shape(index)) : 1;
    if (size !== 1) node.fail(`bound "${node.input(index)}" must be one number but has ${size}`);
    return number === undefined ? node.input(index) : Number.isFinite(number) ? list.number(number) : undefined;
  };
  const lower = value(1, min), upper = value(2, max);
  const raised = lower ? list.binary("Max", node.input(0), lower) : node.input(0);
  if (upper) list.binary("Min", raised, upper);
  return list.finish();
};

/** Some powers are products, roots and quotients, which are exact. */
export const pow: OnnxOperator = (node) => {
  const list = new DraftList(node);
  const x = node.input(0), known = node.tensor(1);
  const isOne = known?.data.length === 1 && known.shape.length <= node.shape(0).length;
  switch (isOne ? known.data[0] : undefined) {
    case 1:
      return ALIAS;
    case 2:
      return draft(node, "Mul", {}, { inputs: [x, x] });
    case 3:
      list.binary("Mul", list.binary("Mul", x, x), x);
      break;
    case 0.5:
      return draft(node, "Sqrt", {});
    case -0.5:
      list.binary("Div", list.number(1), list.unary("Sqrt", x, {}));
      break;
    case -1:
      list.binary("Div", list.number(1), x);
      break;
    default:
      list.binary("Pow", x, list.float(1));
  }
  return list.finish();
};

/** Inference form: the running statistics are used. */
export const batchNormalization: OnnxOperator = (node) => {
  if (node.int("training_mode", 0) !== 0) node.fail("training_mode is not supported; export the model for inference");
  node.ignore("momentum");
  if (node.opset < 9 && node.int("spatial", 1) !== 1) {
    node.fail("statistics of every pixel (spatial 0) are not supported");
  }
  node.onlyFirstOutput("statistics output");
  return draft(node, "BatchNormalization", { epsilon: node.float("epsilon", 1e-5) }, { inputs: node.operands(5, 5) });
};

/** Nothing is dropped at inference. */
export const dropout: OnnxOperator = (node) => {
  node.ignore("ratio", "seed");
  if (node.scalar(2, "training_mode", 0) !== 0) node.fail("training_mode is not supported");
  node.onlyFirstOutput("mask");
  return ALIAS;
};

export const identity: OnnxOperator = () => ALIAS;

/** The axes that a softmax runs over: one, before operator set 13 all from the stated one on. */
function softmaxAxes(node: NodeReader): number[] {
  const { length } = node.shape(0);
  const axis = node.axis(node.int("axis", node.opset < 13 ? 1 : -1), length);
  return node.opset >= 13 ? [axis] : Array.from({ length: length - axis }, (_, index) => axis + index);
}

/** Over several axes as over one that they are merged to. */
export const softmax: OnnxOperator = (node) => {
  const shape = node.shape(0), axes = softmaxAxes(node), [axis] = axes;
  if (node.opset >= 13) return draft(node, "Softmax", { axis });
  const sizeRule = { from: axis }, wide = wideAxis(shape, sizeRule);
  if (wide !== undefined) return draft(node, "Softmax", { axis: wide }, { sizeRule });
  const list = new DraftList(node);
  const before = shape.map((_, index) => index).slice(0, axis);
  const merged = list.regroup(node.input(0), shape, [before, axes]);
  list.add("Reshape", [list.add("Softmax", [merged], { axis: 1 })], { shape });
  return list.finish();
};

/** x less the logarithm of the sum of exponentials. */
export const logSoftmax: OnnxOperator = (node) => {
  const list = new DraftList(node), over = { axes: softmaxAxes(node), keepDims: true };
  const x = node.input(0);
  const below = list.binary("Sub", x, list.add("ReduceMax", [x], over));
  const sum = list.add("ReduceSum", [list.unary("Exp", below, {})], over);
  list.binary("Sub", below, list.unary("Log", sum, {}));
  return list.finish();
};
