/**
 * What compression needs of an engine: somebody who runs graphs, and somebody who learns numbers of them. Passes are handed both and never
 * touch a device themselves.
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

/** Numbers of a graph that are to be learned. */
export interface Fit {
  /** The graph: at least the losses are made by it. Its inputs are fed at every step. */
  readonly graph: Graph;
  /**
   * What becomes small: values of one element by name, each with a weight or with points `[time, weight]` of it, between which the weight
   * follows the straight line. Time goes from 0 to 1.
   */
  readonly losses: readonly {
    readonly name: string;
    readonly value: string;
    readonly weight: number | readonly (readonly [time: number, weight: number])[];
  }[];
  /** Names of the constants that are learned, f32. */
  readonly learned: readonly string[];
  /** Steps of Adam. */
  readonly steps: number;
  /** Length of a step. */
  readonly learningRate: number;
  /** Inputs of a step, counted from 0. */
  readonly feed: (step: number) => Readonly<Record<string, Float32Array>>;
}

/** Learns numbers of graphs. */
export interface Fitter {
  /** The constants that were learned, by name. Rejects with a FeatherdetError if no gradient goes through the graph. */
  fit(problem: Fit): Promise<ReadonlyMap<string, Float32Array>>;
}
