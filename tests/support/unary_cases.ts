/**
 * What tests look at of every unary operator: made from the rows, so that a new row is tested on the host, on the device and in training
 * without another word.
 *
 * @module
 */

import type { ActivationAttributes, Node } from "../../src/graph/operators.ts";
import {
  isActivation,
  UNARY_OPERATORS,
  type UnaryNumbers,
  type UnaryOperator,
  unaryRow,
} from "../../src/graph/unary.ts";
import { node } from "./tiny_graph.ts";

/** A unary operator with attributes. */
export interface UnaryCase {
  readonly op: UnaryOperator;
  readonly attributes: UnaryNumbers;
  /** Where its bends are. */
  readonly range: readonly [low: number, high: number];
}

/** Attributes besides the defaults. */
const MORE: Partial<Record<UnaryOperator, readonly UnaryNumbers[]>> = {
  LeakyRelu: [{ alpha: 0.1 }, { alpha: -0.3 }],
  HardSigmoid: [{ alpha: 0.21, beta: 0.4 }, { alpha: 0.3, beta: 0 }, { alpha: -0.25, beta: 1 }],
  Clip: [
    { min: 0, max: 6 },
    { min: 0, max: 1.33 },
    { min: -Infinity, max: 0.2 },
    { min: -0.3, max: Infinity },
    { min: 0.5, max: 2 },
  ],
};

/** Every operator with its defaults and with others. */
export const UNARY_CASES: readonly UnaryCase[] = UNARY_OPERATORS.flatMap((op) => {
  const { attributes, least = -Infinity } = unaryRow(op);
  const range = [Math.max(-6, least + 0.01), 6] as const;
  return [attributes, ...MORE[op] ?? []].map((own) => ({ op, attributes: own, range }));
});

/** A name for a test. */
export function unaryName({ op, attributes }: UnaryCase): string {
  return [op, ...Object.entries(attributes).map(([name, value]) => `${name}=${value}`)].join(" ");
}

/** The node `x -> y`. */
export function unaryNode({ op, attributes }: UnaryCase): Node {
  return node(op, ["x"], ["y"], attributes as never);
}

/** An activation as an attribute, and values of the input or output from which its derivative is computed. */
export interface ActivationCase {
  readonly what: string;
  readonly activation: ActivationAttributes;
  readonly range: readonly [low: number, high: number];
}

/** The activations among the cases. */
export const ACTIVATION_CASES: readonly ActivationCase[] = UNARY_CASES.flatMap((one) => {
  const { op, attributes, range: [low, high] } = one;
  if (!isActivation(op)) return [];
  const { value, derivative } = unaryRow(op);
  const outputs = Array.from({ length: 101 }, (_, i) => value(low + (high - low) * i / 100, attributes));
  const range = derivative.from === "input"
    ? one.range
    : [Math.min(...outputs) - 0.2, Math.max(...outputs) + 0.2] as const;
  return [{ what: unaryName(one), activation: { activation: op, ...attributes } as ActivationAttributes, range }];
});
