/**
 * Operators of two inputs that act on each pair of elements, besides sum, difference, product and quotient; one row each, from which the
 * exhaustive tables fill their entries. `shaders/lib/operation.wgsl` has their WGSL, by their names in small letters.
 *
 * What ONNX calls booleans are the floats 0 and 1 here.
 *
 * @module
 */

import type { BinaryOperator, NoAttributes } from "./operators.ts";

/** Operators of two inputs, broadcast as in NumPy. */
export interface PairAttributes {
  /** The greater. */
  Max: NoAttributes;
  /** The lesser. */
  Min: NoAttributes;
  /** First to the power of second; below 0 a number only for whole exponents. */
  Pow: NoAttributes;
  /** 1 where the first is below the second, else 0. */
  Less: NoAttributes;
  /** 1 where the first is not above the second, else 0. */
  LessOrEqual: NoAttributes;
  /** 1 where both are the same, else 0. */
  Equal: NoAttributes;
  /** The second where the first is not 0, else 0, whatever the second is there. ONNX spells it Where. */
  Mask: NoAttributes;
}

/** Name of such an operator. */
export type PairOperator = keyof PairAttributes;

/** What is known of an operator on pairs of elements. */
export interface PairRow {
  /** The function, in float64. */
  readonly value: (a: number, b: number) => number;
  /** When the result is 0 (see `traits.ts`). */
  readonly zero: "all" | "any" | "first" | "no";
  /** No result falls where an input rises. */
  readonly monotone: boolean;
  /** f(s a, s b) = s f(a, b) for every s > 0. */
  readonly homogeneous: boolean;
  /** Whether ONNX's result is a boolean. */
  readonly boolean: boolean;
}

const COMPARISON = { zero: "no", monotone: false, homogeneous: false, boolean: true } as const;
const EXTREME = { zero: "all", monotone: true, homogeneous: true, boolean: false } as const;

/** The rows. */
export const PAIRS: { readonly [K in PairOperator]: PairRow } = {
  Max: { value: Math.max, ...EXTREME },
  Min: { value: Math.min, ...EXTREME },
  Pow: { value: Math.pow, ...COMPARISON, boolean: false },
  Less: { value: (a, b) => Number(a < b), ...COMPARISON, zero: "all" },
  LessOrEqual: { value: (a, b) => Number(a <= b), ...COMPARISON },
  Equal: { value: (a, b) => Number(a === b), ...COMPARISON },
  Mask: { value: (a, b) => a === 0 ? 0 : b, zero: "any", monotone: false, homogeneous: true, boolean: false },
};

/** Every operator on pairs, in the order of the rows. */
export const PAIR_OPERATORS = Object.keys(PAIRS) as readonly PairOperator[];

/** An entry for every operator on pairs, for a table that is keyed by operator. */
export function eachPair<Value>(
  make: (op: PairOperator, row: PairRow) => Value,
): { readonly [K in PairOperator]: Value } {
  const entries = PAIR_OPERATORS.map((op) => [op, make(op, PAIRS[op])] as const);
  return Object.fromEntries(entries) as { readonly [K in PairOperator]: Value };
}

/** True for the name of an operator on pairs. */
export function isPair(op: string): op is PairOperator {
  return Object.hasOwn(PAIRS, op);
}

const BINARY: { readonly [K in BinaryOperator]: (a: number, b: number) => number } = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  ...eachPair((_, { value }) => value),
};

/** What an operator makes of a pair of elements, in float64; undefined for one that is none of pairs. */
export function pairValue(op: string): ((a: number, b: number) => number) | undefined {
  return Object.hasOwn(BINARY, op) ? BINARY[op as BinaryOperator] : undefined;
}
