/**
 * Short spellings of nodes and graphs for tests.
 *
 * @module
 */

import type { Constant, Graph, Shape } from "../../src/graph/graph.ts";
import type { Node, Operator, OperatorAttributes } from "../../src/graph/operators.ts";
import { randomTensor } from "./random.ts";

/** A node named after its first output. */
export function node<K extends Operator>(
  op: K,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: OperatorAttributes[K],
): Node {
  // The compiler does not follow the union through the type parameter.
  return { op, name: `make_${outputs[0]}`, inputs, outputs, attributes } as unknown as Node;
}

/** A seeded f32 constant. */
export function weight(shape: Shape, seed = 1): Constant {
  return { dtype: "f32", shape, data: randomTensor(shape, seed) };
}

/** A graph of f32 inputs and the given rest. */
export function graphOf(
  inputs: Readonly<Record<string, Shape>>,
  outputs: readonly string[],
  nodes: readonly Node[],
  constants: Readonly<Record<string, Constant>> = {},
): Graph {
  return {
    name: "tiny",
    inputs: Object.entries(inputs).map(([name, shape]) => ({ name, dtype: "f32", shape })),
    outputs,
    nodes,
    constants: new Map(Object.entries(constants)),
    metadata: {},
  };
}

/** Attributes of a plain convolution or window: stride 1, no pads, dilation 1. */
export const PLAIN = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;
