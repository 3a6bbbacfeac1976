/**
 * How many bits the products of convolutions and matrix products take.
 *
 * @module
 */

import { FeatherdetError } from "./error.ts";
import type { ElementType, Graph } from "./graph.ts";
import type { Node } from "./operators.ts";
import type { WeightBits } from "./packed_weights.ts";
import { traitOf } from "./traits.ts";
import { weightSource } from "./weight_source.ts";

/** Bytes of an element. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { f32: 4, i32: 4, i8: 1, u8: 1 };

/** Bits of a layer's operands. */
export interface BitWidths {
  /** Bits of a weight. */
  readonly weights: number;
  /** Bits of an activation. */
  readonly activations: number;
}

/** Whether the node slides filters over an image. */
export function isConvolution(node: Node): boolean {
  return traitOf(node, "layer") === "convolution";
}

/**
 * Bits of one factor times those of the other, by the element types of a node's first two inputs, or the bits of packed ones; f32 has
 * `floatBits`.
 */
export function typeBits(factors: readonly (ElementType | WeightBits)[], floatBits = 32): number {
  return factors.slice(0, 2).reduce((product: number, type) => {
    return product * (typeof type === "number" ? type : type === "f32" ? floatBits : 8 * ELEMENT_BYTES[type]);
  }, 1);
}

/**
 * Bits of one factor times those of the other, as stated for the node: constants and the filters of convolutions have those of
 * weights. Throws FeatherdetError for widths that are no positive numbers.
 */
export function statedBits(graph: Graph, node: Node, { weights, activations }: BitWidths): number {
  if (![weights, activations].every((bits) => bits > 0 && bits < Infinity)) {
    throw new FeatherdetError(
      `${weights} bits for weights and ${activations} for activations were stated, both must be positive`,
      { node: node.name, operator: node.op },
    );
  }
  const filter = isConvolution(node) ? node.inputs[1] : undefined;
  return node.inputs.slice(0, 2).reduce((product, name) => {
    return product * (name === filter || weightSource(graph, name) ? weights : activations);
  }, 1);
}
