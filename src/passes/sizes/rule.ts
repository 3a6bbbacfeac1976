/**
 * What the importer knows of a node beyond its attributes: how they follow from the extents of its inputs.
 *
 * `auto_pad`, Squeeze, a Slice counted from the end and the like are resolved into plain numbers for the exported size. The
 * rule behind those numbers is kept beside the node, for as long as passes hand the node on unchanged; where it is lost,
 * `changeShapes` has only the numbers to go by and may refuse.
 *
 * @module
 */

import type { TensorType } from "../../graph/graph.ts";
import type { Node } from "../../graph/operators.ts";

/** A node's attributes for inputs of the given types. Throws FeatherdetError if the node does not fit them. */
export type SizeRule = (inputs: readonly TensorType[]) => Node["attributes"];

const RULES = new WeakMap<Node, SizeRule>();

/** Keeps the rule beside the node. */
export function rememberRule(node: Node, rule: SizeRule): void {
  RULES.set(node, rule);
}

/** The rule of a node, if one is known. */
export function ruleOf(node: Node): SizeRule | undefined {
  return RULES.get(node);
}

/** Hands the rule of one node on to a node that replaces it under other names. */
export function keepRule(from: Node, to: Node): void {
  const rule = RULES.get(from);
  if (rule) RULES.set(to, rule);
}
