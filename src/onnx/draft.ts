/**
 * What an operator function returns: graph nodes still without their names.
 *
 * @module
 */

import type { Operator, OperatorAttributes } from "../graph/operators.ts";
import type { SizeRule } from "../graph/size_rules.ts";
import type { NodeReader } from "./reader.ts";

/** A node in the making; the importer names it and checks it. */
export type Draft<K extends Operator = Operator> = {
  [P in K]: {
    readonly op: P;
    readonly attributes: OperatorAttributes[P];
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    /** How the attributes follow from the input's extents, where nothing in them was fixed by the exporter (`auto_pad`, Squeeze, ...). */
    readonly sizeRule?: SizeRule<P>;
  };
}[K];

/** The node hands on its first input. */
export const ALIAS = "alias";

/** Turns one ONNX node into nodes of the graph; throws FeatherdetError for what is not supported. */
export type OnnxOperator = (node: NodeReader) => Draft[] | typeof ALIAS;

/** What may differ from a node of one input and the ONNX node's first output. */
export interface DraftOptions<K extends Operator> {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly sizeRule?: SizeRule<K>;
}

/** One node. */
export function draft<K extends Operator>(
  node: NodeReader,
  op: K,
  attributes: OperatorAttributes[K],
  options: DraftOptions<K> = {},
): Draft[] {
  const { inputs = [node.input(0)], outputs = [node.outputs[0]], sizeRule } = options;
  // The compiler cannot tie a generic key to its member of the union.
  return [{ op, attributes, inputs, outputs, sizeRule } as unknown as Draft];
}
