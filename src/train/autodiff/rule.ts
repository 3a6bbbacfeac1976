/**
 * The form of a gradient rule.
 *
 * @module
 */

import { FeatherdetError, type Node, type Operator } from "../../graph/mod.ts";
import type { GradientContext } from "./context.ts";

/** What a rule is told of a node. */
export interface GradientRequest {
  /** Writes the nodes. */
  readonly context: GradientContext;
  /** The gradient of every output, undefined for an output that the loss does not depend on; at least one is there. */
  readonly gradients: readonly (string | undefined)[];
  /** Whether the gradient of an input is asked for; at least one is. */
  readonly wanted: readonly boolean[];
  /** What the names of the rule's nodes begin with. */
  readonly base: string;
}

/**
 * Writes the nodes that compute the gradients of a node's inputs, and returns their names in the order of the inputs: undefined where
 * none was wanted or where the output does not depend on that input smoothly anywhere.
 */
export type GradientRule<K extends Operator> = (
  node: Node<K>,
  request: GradientRequest,
) => readonly (string | undefined)[];

/** The gradient of an operator's one output. */
export function only({ gradients }: GradientRequest): string {
  return gradients[0]!;
}

/** The rule of an operator through which no gradient goes: throws FeatherdetError with the reason. */
export function notDifferentiable(reason: string): GradientRule<Operator> {
  return (node) => {
    throw new FeatherdetError(`no gradient goes through it: ${reason}`, { node: node.name, operator: node.op });
  };
}
