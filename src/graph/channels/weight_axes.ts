/**
 * Along which axes of a layer's weight its channels lie.
 *
 * @module
 */

import type { Node } from "../operators.ts";

/** A node that sums products of a value with a weight. */
export type Layer = Node<"Conv" | "ConvTranspose" | "Gemm" | "MatMul">;

/** Axes of a weight. Of a grouped convolution one of them counts the channels of a single group: see `weightAxes`. */
export interface WeightAxes {
  /** The axis over output channels. */
  readonly out: number;
  /** The axis over input channels, which are summed over. */
  readonly into: number;
}

/**
 * Axes of the weight of a layer, which is the node's input at `position` and has that rank. With groups, Conv counts all outputs and the
 * inputs of one group, ConvTranspose all inputs and the outputs of one group.
 */
export function weightAxes(node: Layer, position: 0 | 1, rank: number): WeightAxes {
  switch (node.op) {
    case "Conv":
      return { out: 0, into: 1 };
    case "ConvTranspose":
      return { out: 1, into: 0 };
    case "Gemm": {
      const isTurned = position === 0 ? node.attributes.transposeA : node.attributes.transposeB;
      return (position === 0) === isTurned ? { out: 1, into: 0 } : { out: 0, into: 1 };
    }
    case "MatMul":
      return position === 0 ? { out: rank - 2, into: rank - 1 } : { out: rank - 1, into: rank - 2 };
  }
}
