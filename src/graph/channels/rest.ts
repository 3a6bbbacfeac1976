/**
 * What operators on single elements make of a channel at rest, that is, of one number that all its elements have.
 *
 * NaN stands for a number that is not known.
 *
 * @module
 */

import type { BinaryOperator, Node } from "../operators.ts";
import { type UnaryOperator, unaryRow } from "../unary.ts";
import { eachPair } from "../pairs.ts";

/** A unary operator's result. Results that are not finite count as not known. */
export function unaryAtRest(node: Node<UnaryOperator>, x: number): number {
  const y = unaryRow(node.op).value(x, node.attributes);
  // -0 is 0: comparing with Object.is must not tell them apart.
  return Number.isFinite(y) ? y + 0 : NaN;
}

const BINARY: { readonly [K in BinaryOperator]: (a: number, b: number) => number } = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  // Zero times a number that is not known is zero; zero over such a number may be 0 / 0.
  Mul: (a, b) => a === 0 || b === 0 ? 0 : a * b,
  Div: (a, b) => a / b,
  // Comparing with what is not known says nothing.
  ...eachPair((_, { value }) => (a, b) => Number.isNaN(a) || Number.isNaN(b) ? NaN : value(a, b)),
};

/** A binary operator's result. */
export function binaryAtRest(op: BinaryOperator, a: number, b: number): number {
  const y = BINARY[op](a, b);
  return Number.isFinite(y) ? y + 0 : NaN;
}
