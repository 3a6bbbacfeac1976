/**
 * ONNX operators that combine elements of several inputs: comparisons, logic, choices, and those of any number of inputs. Booleans that are
 * computed are floats 0 and 1.
 *
 * @module
 */

import type { BinaryOperator } from "../../graph/operators.ts";
import type { Draft, OnnxOperator } from "../draft.ts";
import { ALIAS } from "../draft.ts";
import { DraftList } from "../draft_list.ts";

/** A comparison; with `swaps` of the second with the first. Whole numbers are compared as floats. */
export function comparison(op: "Less" | "LessOrEqual" | "Equal", swaps = false): OnnxOperator {
  return (node) => {
    const list = new DraftList(node);
    const [a, b] = node.operands(2, 2).map((_, index) => list.float(index));
    if (swaps) list.binary(op, b, a);
    else list.binary(op, a, b);
    return list.finish();
  };
}

/** And, Or and Xor of booleans. */
export function logic(op: "And" | "Or" | "Xor"): OnnxOperator {
  return (node) => {
    const list = new DraftList(node);
    const [a, b] = node.operands(2, 2).map((_, index) => list.float(index));
    if (op === "And") list.binary("Mul", a, b);
    else if (op === "Or") list.binary("Max", a, b);
    else list.not(list.binary("Equal", a, b));
    return list.finish();
  };
}

export const not: OnnxOperator = (node) => {
  const list = new DraftList(node);
  list.not(list.float(0));
  return list.finish();
};

/** Elements of the second input where the first is true, else of the third; each is left out where it is 0 everywhere. */
export const where: OnnxOperator = (node) => {
  const list = new DraftList(node);
  const condition = list.float(0);
  for (const index of [1, 2]) {
    const { dtype, shape } = node.type(index);
    if (dtype !== "f32") {
      node.fail(`input ${index} [${shape.join(",")}] is ${dtype}; choosing among floats is supported`);
    }
  }
  const isZero = (index: number) => node.tensor(index)?.data.every((value) => value === 0) ?? false;
  // A zero of one element broadcasts to nothing, so that the sum has the shape without it.
  const isLeftOut = (index: number) => {
    const rank = Math.max(node.shape(0).length, node.shape(3 - index).length);
    return isZero(index) && node.tensor(index)!.data.length === 1 && node.shape(index).length <= rank;
  };
  if (isLeftOut(2)) list.binary("Mask", condition, node.input(1));
  else if (isLeftOut(1)) list.binary("Mask", list.not(condition), node.input(2));
  else {
    const yes = list.binary("Mask", condition, node.input(1));
    list.binary("Add", yes, list.binary("Mask", list.not(condition), node.input(2)));
  }
  return list.finish();
};

/** An operator of any number of inputs, two after two; a mean divides by their number. */
export function variadic(op: Extract<BinaryOperator, "Add" | "Max" | "Min">, isMean = false): OnnxOperator {
  return (node): Draft[] | typeof ALIAS => {
    const inputs = node.operands(1);
    if (inputs.length === 1) return ALIAS;
    const list = new DraftList(node);
    const all = inputs.reduce((made, input) => list.binary(op, made, input));
    if (isMean) list.binary("Div", all, list.number(inputs.length));
    return list.finish();
  };
}
