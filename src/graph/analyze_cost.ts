/**
 * What counting a graph gives.
 *
 * @module
 */

import type { Shape } from "./graph.ts";
import type { Node } from "./operators.ts";

/** What a layer, or a whole graph, costs. */
export interface Cost {
  /** Trained weights. */
  readonly parameters: number;
  /** Bytes that the weights and statistics take up when stored. */
  readonly bytes: number;
  /** Multiply-accumulates of one run at the graph's input shapes. */
  readonly macs: number;
  /** Dense floating-point operations of one run, as Ultralytics counts them. */
  readonly flops: number;
  /** Multiply-accumulates of one run, each times the bits of both its factors. */
  readonly bitOperations: number;
}

/** The cost of one node. */
export interface LayerCost extends Cost {
  /** Name of the node. */
  readonly name: string;
  /** Its operator. */
  readonly op: Node["op"];
  /** Shape of the first output. */
  readonly outputShape: Shape;
}

/** The cost of a graph: totals and every node in order. */
export interface Analysis extends Cost {
  /** Number of layers: nodes that have weights. */
  readonly weightLayers: number;
  /** One entry per node, in the graph's order. */
  readonly layers: readonly LayerCost[];
}

/** Zeros among the weights of a layer or of a whole graph, and what skipping them could save. */
export interface Sparsity {
  /** Elements of the weights of convolutions and matrix products, biases left out. */
  readonly weightElements: number;
  /** Those that are exactly 0. */
  readonly zeros: number;
  /** Share of zeros, 0..1. For a layer it is the share among all its weights, including those that were counted at an earlier layer. */
  readonly sparsity: number;
  /** The part of `flops` whose weight is not 0. */
  readonly nonzeroFlops: number;
}

/** The cost of a graph with its zeros. */
export interface SparseAnalysis extends Analysis, Sparsity {
  /** One entry per node, in the graph's order. */
  readonly layers: readonly (LayerCost & Sparsity)[];
}
