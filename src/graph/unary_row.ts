/**
 * What a row of `unary.ts` says of an operator on single elements.
 *
 * @module
 */

import type { UnaryOperator } from "./unary.ts";

/** Numbers by the names of attributes. */
export type UnaryNumbers = Readonly<Record<string, number>>;

/** A function of the graph that is part of a gate. */
export interface GateStep {
  /** Name of its row. */
  readonly op: UnaryOperator;
  /** Its attributes, where it has any. */
  readonly attributes?: UnaryNumbers;
}

/** What is known of an operator on single elements. */
export interface UnaryRow<Attributes extends UnaryNumbers = UnaryNumbers> {
  /** What ONNX takes for attributes that a file leaves off. In this order they are `a` and `b` of the shader; there may be no third. */
  readonly attributes: Attributes;
  /** The function, in float64. */
  readonly value: (x: number, attributes: Attributes) => number;
  /** Least x that it is defined for; every number unless given. */
  readonly least?: number;
  /** Why attributes are refused, as a clause for an error; undefined for good ones. */
  readonly refuse?: (attributes: Attributes) => string | undefined;
  /** Operator set of ONNX that brought an operator of this name; undefined if there is none. */
  readonly onnx?: number;
  /**
   * Functions that, one after the other, make g where the operator is x * g(x). So files spell it whose operator set lacks it, and so it
   * is recognised (see `passes/recognise_activations.ts`).
   */
  readonly gate?: readonly GateStep[];
  /** It never falls. */
  readonly monotone: boolean | ((attributes: Attributes) => boolean);
  /** Its graph is made of straight lines. */
  readonly piecewiseLinear: boolean;
  /** f(s x) = s f(x) for every s > 0. */
  readonly homogeneous: boolean;
}

/** Derivative of an activation. */
export interface Derivative<Attributes extends UnaryNumbers = UnaryNumbers> {
  /** Whether it is computed from x or from f(x), which is what then has to be kept for the way back. */
  readonly from: "input" | "output";
  /** The derivative there, in float64; at a kink that of one side. */
  readonly at: (value: number, attributes: Attributes) => number;
}

/** A unary operator with a derivative of its own; the gradients of others are made of operators (see `train/autodiff/`). */
export interface ActivationRow<Attributes extends UnaryNumbers = UnaryNumbers> extends UnaryRow<Attributes> {
  /** What ActivationGradient multiplies by. */
  readonly derivative: Derivative<Attributes>;
}
