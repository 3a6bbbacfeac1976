/**
 * ONNX operators that act on each element, with or without broadcasting.
 *
 * @module
 */

import type { BinaryOperator, OperatorAttributes } from "../../graph/operators.ts";
import { UNARY_OPERATORS, unaryRow } from "../../graph/unary.ts";
import { wideAxis } from "../../passes/sizes/rule.ts";
import { ALIAS, draft, type OnnxOperator } from "../draft.ts";

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

/** Bounds as attributes before operator set 11, as inputs since. */
export const clip: OnnxOperator = (node) => {
  const bound = (name: string, index: number, absent: number) =>
    node.opset < 11 ? node.float(name, absent) : node.scalar(index, `bound ${name}`, absent);
  return draft(node, "Clip", { min: bound("min", 1, -Infinity), max: bound("max", 2, Infinity) });
};

/** The two powers that have operators of their own: the square and the root. */
export const pow: OnnxOperator = (node) => {
  const exponent = node.scalar(1, "exponent", NaN);
  if (exponent === 2) return draft(node, "Mul", {}, { inputs: [node.input(0), node.input(0)] });
  if (exponent === 0.5) return draft(node, "Sqrt", {});
  if (exponent === 1) return ALIAS;
  return node.fail(`exponent ${exponent} is not supported (0.5, 1 and 2 are)`);
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

/** Before operator set 13 all axes from `axis` on are one; that is the same only where they are one anyway. */
export const softmax: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const axis = node.axis(node.int("axis", node.opset < 13 ? 1 : -1), shape.length);
  if (node.opset >= 13) return draft(node, "Softmax", { axis });
  const sizeRule = { from: axis }, wide = wideAxis(shape, sizeRule);
  if (wide === undefined) {
    return node.fail(
      `before operator set 13 the softmax of [${
        shape.join(",")
      }] at axis ${axis} runs over several axes, not supported`,
    );
  }
  return draft(node, "Softmax", { axis: wide }, { sizeRule });
};
