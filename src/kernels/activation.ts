/**
 * Activation functions that kernels apply to their result; `shaders/lib/activate.wgsl` has them by name.
 *
 * @module
 */

import type { Node } from "../graph/operators.ts";
import { isUnary, type UnaryOperator, unaryRow } from "../graph/unary.ts";
import { f32, type Parameters } from "./kernel.ts";

/** An activation and its own parameters. */
export interface Activation {
  /** Name of the function in the shader. */
  readonly name: UnaryOperator | "None" | "FakeQuantize";
  readonly a: number;
  readonly b: number;
}

/** The identity. */
export const NO_ACTIVATION: Activation = { name: "None", a: 0, b: 0 };

/** FakeQuantize of an element, with scale and zero point yet to be filled in. No node is recognised as it, so that nothing fuses it. */
export const FAKE_QUANTIZE: Activation = { name: "FakeQuantize", a: 1, b: 0 };

/** Largest finite f32: WGSL has no infinities in expressions. */
const LARGEST = 3.4028234e38;

/** The activation that a node stands for, or undefined if it is none. */
export function activationOf(node: Node): Activation | undefined {
  if (!isUnary(node.op)) return undefined;
  const attributes = node.attributes as Readonly<Record<string, number>>;
  const [a = 0, b = 0] = Object.keys(unaryRow(node.op).attributes).map((name) =>
    Math.min(Math.max(attributes[name], -LARGEST), LARGEST)
  );
  return { name: node.op, a, b };
}

/** True where an activation makes a number of zero, which the spare channels of row memory hold. */
export function isFiniteAtZero(node: Node): boolean {
  return isUnary(node.op) && Number.isFinite(unaryRow(node.op).value(0, node.attributes as Record<string, number>));
}

/** The linker constant that selects an activation. */
export function activationConstants(activation: Activation): { readonly ACTIVATION: string } {
  return { ACTIVATION: activation.name };
}

/** The two parameters of an activation: its `a` and `b`. */
export function activationParameters(activation: Activation): Parameters {
  return { activationA: f32(activation.a), activationB: f32(activation.b) };
}
