/**
 * Activation functions that kernels apply to their result; the numbers are those of `shaders/lib/activation.wgsl`.
 *
 * @module
 */

import type { Node, UnaryOperator } from "../graph/operators.ts";
import { f32, type Parameters } from "./kernel.ts";

/** An activation and its own parameters. */
export interface Activation {
  readonly name: UnaryOperator | "None" | "FakeQuantize";
  /** Number of the function in the shader. */
  readonly kind: number;
  readonly a: number;
  readonly b: number;
}

const KINDS: { readonly [K in UnaryOperator]: number } = {
  Relu: 1,
  LeakyRelu: 2,
  Sigmoid: 3,
  Silu: 4,
  HardSigmoid: 5,
  HardSwish: 6,
  Clip: 7,
  Tanh: 8,
  Exp: 9,
  Log: 10,
  Sqrt: 11,
  Neg: 12,
};

/** The identity. */
export const NO_ACTIVATION: Activation = { name: "None", kind: 0, a: 0, b: 0 };

/** FakeQuantize of an element, with scale and zero point yet to be filled in. No node is recognised as it, so that nothing fuses it. */
export const FAKE_QUANTIZE: Activation = { name: "FakeQuantize", kind: 13, a: 1, b: 0 };

/** Largest finite f32: WGSL has no infinities in expressions. */
const LARGEST = 3.4028234e38;

/** The activation that a node stands for, or undefined where it is none. */
export function activationOf(node: Node): Activation | undefined {
  if (!(node.op in KINDS)) return undefined;
  const name = node.op as UnaryOperator;
  let a = 0, b = 0;
  if (node.op === "LeakyRelu") a = node.attributes.alpha;
  if (node.op === "HardSigmoid") [a, b] = [node.attributes.alpha, node.attributes.beta];
  if (node.op === "Clip") {
    [a, b] = [Math.max(node.attributes.min, -LARGEST), Math.min(node.attributes.max, LARGEST)];
  }
  return { name, kind: KINDS[name], a, b };
}

/** The linker constant that selects an activation. */
export function activationConstants(activation: Activation): { readonly ACTIVATION: number } {
  return { ACTIVATION: activation.kind };
}

/** The two parameters of an activation: its `a` and `b`. */
export function activationParameters(activation: Activation): Parameters {
  return { activationA: f32(activation.a), activationB: f32(activation.b) };
}
