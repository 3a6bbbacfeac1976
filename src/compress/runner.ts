/**
 * What compression needs of an engine: somebody who runs graphs. Passes are handed a runner and never touch a device themselves.
 *
 * @module
 */

import type { Graph, Shape } from "../graph/mod.ts";

/** A tensor of f32 in row-major order. */
export interface RunnerTensor {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Elements, row-major. */
  readonly data: Float32Array;
}

/** Runs graphs. */
export interface Runner {
  /**
   * Values of the graph's outputs for these inputs, by name. The same graph is run many times, so keep what you prepare for it until it
   * is released. Rejects with a FeatherdetError if the graph cannot be run.
   */
  run(
    graph: Graph,
    inputs: Readonly<Record<string, RunnerTensor>>,
  ): Promise<Readonly<Record<string, RunnerTensor>>>;
  /**
   * Gradients of the loss with respect to some constants of the graph, by name, for these inputs and labels; for the statistics of that
   * kind. Not every runner has a loss. Rejects with a FeatherdetError if the graph cannot be trained.
   */
  gradients?(
    graph: Graph,
    sample: {
      readonly inputs: Readonly<Record<string, RunnerTensor>>;
      readonly labels: Readonly<Record<string, RunnerTensor>>;
    },
    constants: readonly string[],
  ): Promise<ReadonlyMap<string, Float32Array>>;
  /** Frees what is kept for a graph; it is not run again. */
  release(graph: Graph): void;
}
