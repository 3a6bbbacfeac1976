/**
 * The operators of one input that act on each element alone, one row each. A row says all that the project knows of such an operator but
 * its WGSL; the exhaustive tables (shape rules, reference, kernels, ONNX in and out, gradients, traits, ...) fill their entries from it.
 *
 * A new activation is a name and a row here, one line in `shaders/lib/activate.wgsl` and one in `shaders/lib/derivative.wgsl`, and one case in
 * `tests/fixtures/make_operator_cases.py`.
 *
 * @module
 */

import { erf } from "./erf.ts";
import type { NoAttributes } from "./operators.ts";
import { roundHalfEven } from "./quantized_value.ts";
import type { ActivationRow, Derivative, UnaryRow } from "./unary_row.ts";

export type { ActivationRow, Derivative, GateStep, UnaryNumbers, UnaryRow } from "./unary_row.ts";

/** Operators of one input that act on each element alone, and their attributes, all of them numbers. */
export interface UnaryAttributes {
  /** max(x, 0). */
  Relu: NoAttributes;
  /** x, or alpha * x where x is negative. */
  LeakyRelu: { readonly alpha: number };
  /** 1 / (1 + exp(-x)). */
  Sigmoid: NoAttributes;
  /** x * sigmoid(x). */
  Silu: NoAttributes;
  /** Clamp of alpha * x + beta to `[0, 1]`. */
  HardSigmoid: { readonly alpha: number; readonly beta: number };
  /** x * clamp of x / 6 + 1 / 2 to `[0, 1]`. */
  HardSwish: NoAttributes;
  /** x * tanh(log(1 + exp(x))) (Misra 2019, https://arxiv.org/abs/1908.08681). */
  Mish: NoAttributes;
  /** Clamp to `[min, max]`; ReLU6 is `[0, 6]`; a missing bound is an infinity. */
  Clip: { readonly min: number; readonly max: number };
  /** Hyperbolic tangent. */
  Tanh: NoAttributes;
  /** Arc tangent, in radians. */
  Atan: NoAttributes;
  /** log(1 + exp(x)). */
  Softplus: NoAttributes;
  /** e to the power of x. */
  Exp: NoAttributes;
  /** Natural logarithm. */
  Log: NoAttributes;
  /** Square root. */
  Sqrt: NoAttributes;
  /** x, or alpha * (exp(x) - 1) where x is negative. */
  Elu: { readonly alpha: number };
  /** x times the share of a normal distribution below x (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415). */
  Gelu: NoAttributes;
  /** The error function. */
  Erf: NoAttributes;
  /** Sine. */
  Sin: NoAttributes;
  /** Cosine. */
  Cos: NoAttributes;
  /** Size. */
  Abs: NoAttributes;
  /** -1, 0 or 1. */
  Sign: NoAttributes;
  /** Next whole number that is not above. */
  Floor: NoAttributes;
  /** Next whole number that is not below. */
  Ceil: NoAttributes;
  /** Nearest whole number, of two the even one. */
  Round: NoAttributes;
  /** -x. */
  Neg: NoAttributes;
}

/** Name of such an operator. */
export type UnaryOperator = keyof UnaryAttributes;

/** Activations with a derivative of their own (see ActivationGradient); those of other unary operators are products of values. */
export type ActivationOperator = Exclude<keyof UnaryAttributes, "Exp" | "Log" | "Sqrt" | "Neg">;

/** A row for every operator; of an activation, one with a derivative. */
export type UnaryTable = {
  readonly [K in UnaryOperator]: K extends ActivationOperator ? ActivationRow<UnaryAttributes[K]>
    : UnaryRow<UnaryAttributes[K]>;
};

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const mishGate = (x: number) => Math.tanh(softplus(x));
const normalShare = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

/** What most rows say of their shape. */
const CURVED = { monotone: false, piecewiseLinear: false, homogeneous: false };
const RISING = { ...CURVED, monotone: true };
/** The derivative of steps. */
const LEVEL: Derivative = { from: "input", at: () => 0 };

/** The rows. */
export const UNARY: UnaryTable = {
  Relu: {
    attributes: {},
    value: (x) => Math.max(x, 0),
    derivative: { from: "output", at: (y) => y > 0 ? 1 : 0 },
    onnx: 1,
    monotone: true,
    piecewiseLinear: true,
    homogeneous: true,
  },
  LeakyRelu: {
    attributes: { alpha: 0.01 },
    value: (x, { alpha }) => x < 0 ? alpha * x : x,
    derivative: { from: "input", at: (x, { alpha }) => x < 0 ? alpha : 1 },
    onnx: 1,
    monotone: ({ alpha }) => alpha >= 0,
    piecewiseLinear: true,
    homogeneous: true,
  },
  Sigmoid: {
    attributes: {},
    value: sigmoid,
    derivative: { from: "output", at: (y) => y * (1 - y) },
    onnx: 1,
    ...RISING,
  },
  Silu: {
    attributes: {},
    value: (x) => x * sigmoid(x),
    derivative: { from: "input", at: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))) },
    gate: [{ op: "Sigmoid" }],
    ...CURVED,
  },
  HardSigmoid: {
    attributes: { alpha: 0.2, beta: 0.5 },
    value: (x, { alpha, beta }) => clamp(alpha * x + beta, 0, 1),
    derivative: { from: "output", at: (y, { alpha }) => y > 0 && y < 1 ? alpha : 0 },
    onnx: 1,
    monotone: ({ alpha }) => alpha >= 0,
    piecewiseLinear: true,
    homogeneous: false,
  },
  HardSwish: {
    attributes: {},
    value: (x) => x * clamp(x / 6 + 0.5, 0, 1),
    derivative: { from: "input", at: (x) => x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6 },
    onnx: 14,
    gate: [{ op: "HardSigmoid", attributes: { alpha: 1 / 6, beta: 0.5 } }],
    ...CURVED,
  },
  Mish: {
    attributes: {},
    value: (x) => x * mishGate(x),
    derivative: { from: "input", at: (x) => mishGate(x) + x * (1 - mishGate(x) ** 2) * sigmoid(x) },
    onnx: 18,
    gate: [{ op: "Softplus" }, { op: "Tanh" }],
    ...CURVED,
  },
  Clip: {
    attributes: { min: -Infinity, max: Infinity },
    value: (x, { min, max }) => clamp(x, min, max),
    derivative: { from: "output", at: (y, { min, max }) => y > min && y < max ? 1 : 0 },
    refuse: ({ min, max }) => min <= max ? undefined : `bounds ${min} and ${max} are not in order`,
    onnx: 1,
    monotone: true,
    piecewiseLinear: true,
    homogeneous: false,
  },
  Tanh: {
    attributes: {},
    value: Math.tanh,
    derivative: { from: "output", at: (y) => 1 - y * y },
    onnx: 1,
    ...RISING,
  },
  Atan: {
    attributes: {},
    value: Math.atan,
    derivative: { from: "input", at: (x) => 1 / (1 + x * x) },
    onnx: 7,
    ...RISING,
  },
  Softplus: {
    attributes: {},
    value: softplus,
    derivative: { from: "input", at: sigmoid },
    onnx: 1,
    ...RISING,
  },
  Elu: {
    attributes: { alpha: 1 },
    value: (x, { alpha }) => x < 0 ? alpha * Math.expm1(x) : x,
    derivative: { from: "input", at: (x, { alpha }) => x < 0 ? alpha * Math.exp(x) : 1 },
    onnx: 1,
    monotone: ({ alpha }) => alpha >= 0,
    piecewiseLinear: false,
    homogeneous: false,
  },
  Gelu: {
    attributes: {},
    value: (x) => x * normalShare(x),
    derivative: { from: "input", at: (x) => normalShare(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI) },
    onnx: 20,
    ...CURVED,
  },
  Erf: {
    attributes: {},
    value: erf,
    derivative: { from: "input", at: (x) => 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) },
    onnx: 9,
    ...RISING,
  },
  Sin: { attributes: {}, value: Math.sin, derivative: { from: "input", at: Math.cos }, onnx: 7, ...CURVED },
  Cos: {
    attributes: {},
    value: Math.cos,
    derivative: { from: "input", at: (x) => -Math.sin(x) },
    onnx: 7,
    ...CURVED,
  },
  Abs: {
    attributes: {},
    value: Math.abs,
    derivative: { from: "input", at: Math.sign },
    onnx: 1,
    monotone: false,
    piecewiseLinear: true,
    homogeneous: true,
  },
  Sign: { attributes: {}, value: Math.sign, derivative: LEVEL, onnx: 9, ...RISING },
  Floor: { attributes: {}, value: Math.floor, derivative: LEVEL, onnx: 1, ...RISING },
  Ceil: { attributes: {}, value: Math.ceil, derivative: LEVEL, onnx: 1, ...RISING },
  Round: { attributes: {}, value: roundHalfEven, derivative: LEVEL, onnx: 11, ...RISING },
  Exp: { attributes: {}, value: Math.exp, onnx: 1, ...RISING },
  Log: { attributes: {}, value: Math.log, least: 0, onnx: 1, ...RISING },
  Sqrt: { attributes: {}, value: Math.sqrt, least: 0, onnx: 1, ...RISING },
  Neg: {
    attributes: {},
    value: (x) => -x,
    onnx: 1,
    monotone: false,
    piecewiseLinear: true,
    homogeneous: true,
  },
};

/** Every unary operator, in the order of the rows. */
export const UNARY_OPERATORS = Object.keys(UNARY) as readonly UnaryOperator[];

/** Every activation, in the order of the rows. */
export const ACTIVATION_OPERATORS: readonly ActivationOperator[] = UNARY_OPERATORS.filter((
  op,
): op is ActivationOperator => "derivative" in UNARY[op]);

/** The row of an operator, whose functions take the attributes of any; a derivative is there for activations. */
export function unaryRow(op: ActivationOperator): ActivationRow;
/** The row of an operator, whose functions take the attributes of any. */
export function unaryRow(op: UnaryOperator): UnaryRow & Partial<ActivationRow>;
export function unaryRow(op: UnaryOperator): UnaryRow & Partial<ActivationRow> {
  // A row's functions read the attributes of its own operator, which the compiler cannot tie to a name that varies.
  return UNARY[op] as unknown as UnaryRow & Partial<ActivationRow>;
}

/** An entry for every unary operator, for a table that is keyed by operator. */
export function eachUnary<Value>(
  make: (op: UnaryOperator, row: UnaryRow & Partial<ActivationRow>) => Value,
): { readonly [K in UnaryOperator]: Value } {
  const entries = UNARY_OPERATORS.map((op) => [op, make(op, unaryRow(op))] as const);
  return Object.fromEntries(entries) as { readonly [K in UnaryOperator]: Value };
}

/** The same entry for every activation, for a table that is keyed by operator. */
export function eachActivation<Value>(value: Value): { readonly [K in ActivationOperator]: Value } {
  const entries = ACTIVATION_OPERATORS.map((op) => [op, value] as const);
  return Object.fromEntries(entries) as { readonly [K in ActivationOperator]: Value };
}

/** True for the name of a unary operator. */
export function isUnary(op: string): op is UnaryOperator {
  return Object.hasOwn(UNARY, op);
}

/** True for the name of an activation. */
export function isActivation(op: string): op is ActivationOperator {
  return isUnary(op) && "derivative" in UNARY[op];
}
