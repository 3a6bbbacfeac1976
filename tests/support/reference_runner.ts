/**
 * A runner over the reference, for tests of compression without a device.
 *
 * @module
 */

import type { Runner } from "../../src/compress/runner.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";

/** Runs graphs in float64 and counts what is asked of it. */
export class ReferenceRunner implements Runner {
  /** Runs so far. */
  runs = 0;
  /** Graphs that were run and not released. */
  readonly held = new Set<Graph>();

  /** Values of the outputs. */
  run(graph: Graph, inputs: Parameters<Runner["run"]>[1]): ReturnType<Runner["run"]> {
    this.runs++;
    this.held.add(graph);
    const given = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, data }]) => [name, referenceTensor(shape, data)]),
    );
    const made = [...runReference(graph, given)];
    return Promise.resolve(
      Object.fromEntries(made.map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }])),
    );
  }

  /** Forgets a graph. */
  release(graph: Graph): void {
    this.held.delete(graph);
  }
}
