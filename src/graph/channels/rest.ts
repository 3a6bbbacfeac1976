/**
 * What operators on single elements make of a channel at rest, that is, of one number that all its elements have.
 *
 * NaN stands for a number that is not known.
 *
 * @module
 */

import type { BinaryOperator, Node, UnaryOperator } from "../operators.ts";

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const UNARY: { readonly [K in UnaryOperator]: (x: number, attributes: Node<K>["attributes"]) => number } = {
  Relu: (x) => Math.max(x, 0),
  LeakyRelu: (x, { alpha }) => x < 0 ? alpha * x : x,
  Sigmoid: sigmoid,
  Silu: (x) => x * sigmoid(x),
  HardSigmoid: (x, { alpha, beta }) => clamp(alpha * x + beta, 0, 1),
  HardSwish: (x) => x * clamp(x / 6 + 0.5, 0, 1),
  Clip: (x, { min, max }) => clamp(x, min, max),
  Tanh: Math.tanh,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Neg: (x) => -x,
};

/** A unary operator's result. Results that are not finite count as not known. */
export function unaryAtRest<K extends UnaryOperator>(node: Node<K>, x: number): number {
  const apply = UNARY[node.op] as (x: number, attributes: Node<K>["attributes"]) => number;
  const y = apply(x, node.attributes);
  // -0 is 0: comparing with Object.is must not tell them apart.
  return Number.isFinite(y) ? y + 0 : NaN;
}

const BINARY: { readonly [K in BinaryOperator]: (a: number, b: number) => number } = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  // Zero times a number that is not known is zero; zero over such a number may be 0 / 0.
  Mul: (a, b) => a === 0 || b === 0 ? 0 : a * b,
  Div: (a, b) => a / b,
};

/** A binary operator's result. */
export function binaryAtRest(op: BinaryOperator, a: number, b: number): number {
  const y = BINARY[op](a, b);
  return Number.isFinite(y) ? y + 0 : NaN;
}
