/**
 * ONNX's activations that become several nodes of the graph.
 *
 * @module
 */

import type { Draft, OnnxOperator } from "../draft.ts";
import { draft } from "../draft.ts";
import { DraftList } from "../draft_list.ts";

/** x where it is not negative, else x times the slope, which broadcasts to x: one number is LeakyRelu. */
export const pRelu: OnnxOperator = (node) => {
  const [x, slope] = node.operands(2, 2);
  const known = node.tensor(1);
  const isOne = known?.data.length === 1 && known.shape.length <= node.shape(0).length;
  if (isOne) return draft(node, "LeakyRelu", { alpha: known.data[0] });
  const list = new DraftList(node);
  const rising = list.unary("Relu", x, {});
  const falling = list.unary("Clip", x, { min: -Infinity, max: 0 });
  list.binary("Add", rising, list.binary("Mul", falling, slope));
  return list.finish();
};

/** Exact, or by its approximation with the hyperbolic tangent: (1 + tanh u) / 2 is the sigmoid of 2 u. */
export const gelu: OnnxOperator = (node) => {
  const form = node.string("approximate", "none");
  if (form === "none") return draft(node, "Gelu", {});
  if (form !== "tanh") node.fail(`approximate "${form}" is not known`);
  const list = new DraftList(node);
  const x = node.input(0), twice = 2 * Math.sqrt(2 / Math.PI);
  const factor = list.binary("Mul", list.binary("Mul", x, x), list.number(0.044715 * twice));
  const inner = list.binary("Mul", list.binary("Add", factor, list.number(twice)), x);
  list.binary("Mul", x, list.unary("Sigmoid", inner, {}));
  return list.finish();
};

/** x times the sigmoid of alpha x. */
export const swish: OnnxOperator = (node) => {
  const alpha = node.float("alpha", 1), x = node.input(0);
  if (alpha === 1) return draft(node, "Silu", {});
  const list = new DraftList(node);
  list.binary("Mul", x, list.unary("Sigmoid", list.binary("Mul", x, list.number(alpha)), {}));
  return list.finish();
};

export const selu: OnnxOperator = (node) => {
  const list = new DraftList(node);
  const alpha = node.float("alpha", 1.67326319217681884765625), gamma = node.float("gamma", 1.05070102214813232421875);
  list.binary("Mul", list.unary("Elu", node.input(0), { alpha }), list.number(gamma));
  return list.finish();
};

/** x, or alpha * (exp(x / alpha) - 1) where x is negative. */
export const celu: OnnxOperator = (node) => {
  const alpha = node.float("alpha", 1);
  if (alpha === 1) return draft(node, "Elu", { alpha });
  const list = new DraftList(node), by = list.number(alpha);
  list.binary("Mul", list.unary("Elu", list.binary("Div", node.input(0), by), { alpha: 1 }), by);
  return list.finish();
};

/** x where it is above alpha, else 0. */
export const thresholdedRelu: OnnxOperator = (node) => {
  const list = new DraftList(node), x = node.input(0);
  list.binary("Mask", list.binary("Less", list.number(node.float("alpha", 1)), x), x);
  return list.finish();
};

/** x / (1 + |x|). */
export const softsign: OnnxOperator = (node) => {
  const list = new DraftList(node), x = node.input(0);
  list.binary("Div", x, list.binary("Add", list.number(1), list.unary("Abs", x, {})));
  return list.finish();
};

export const reciprocal: OnnxOperator = (node): Draft[] => {
  const list = new DraftList(node);
  list.binary("Div", list.number(1), node.input(0));
  return list.finish();
};
