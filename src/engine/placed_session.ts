/**
 * A graph in parts, each in an engine of its own.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { FeatherdetError } from "../graph/error.ts";
import { cutGraph } from "../passes/mod.ts";
import { type InputTensor, Session, type SessionOptions, type Tensor } from "./session.ts";

/** A part of a placed graph. */
export interface PlacedPart {
  /** Its nodes, what it reads and what it makes. */
  readonly graph: Graph;
  /** What runs it. */
  readonly session: Session;
}

/**
 * A graph that is cut at values, its parts in sessions on the same engine or on different ones. Values go from part to part through the
 * host's memory. Runs that are started before others have ended overlap: while one engine works on a frame, the other works on the next.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { PlacedSession } from "./placed_session.ts";
 * const graph = demoDetector({ size: 64 });
 * // Or { engine: "webgpu" } and { engine: "cpu" }.
 * const session = await PlacedSession.create(graph, [[graph.nodes[4].outputs[0]]], [{}, {}]);
 * const data = new Float32Array(3 * 64 * 64);
 * const { output0 } = await session.run({ images: { shape: [1, 3, 64, 64], data } });
 * assert.deepEqual(output0.shape, [1, 7, 84]);
 * session.destroy();
 * ```
 */
export class PlacedSession {
  /** In the order in which they are run. */
  readonly parts: readonly PlacedPart[];
  readonly #outputs: readonly string[];

  private constructor(parts: readonly PlacedPart[], outputs: readonly string[]) {
    this.parts = parts;
    this.#outputs = outputs;
  }

  /**
   * Cuts the graph (see `cutGraph`) and makes a session of each part with the options at its place.
   *
   * Throws FeatherdetError as `cutGraph` and `Session.create` do, and where there are not as many options as parts.
   */
  static async create(
    graph: Graph,
    cuts: readonly (readonly string[])[],
    options: readonly SessionOptions[],
  ): Promise<PlacedSession> {
    const graphs = cutGraph(graph, cuts);
    if (options.length !== graphs.length) {
      throw new FeatherdetError(`${graphs.length} parts have ${options.length} engines`, { file: graph.name });
    }
    const parts: PlacedPart[] = [];
    try {
      for (const [i, part] of graphs.entries()) {
        parts.push({ graph: part, session: await Session.create(part, options[i]) });
      }
    } catch (error) {
      for (const { session } of parts) session.destroy();
      throw error;
    }
    return new PlacedSession(parts, graph.outputs);
  }

  /** Runs the graph once, as `Session.run` does; the results are those of the whole graph. */
  async run(inputs: Readonly<Record<string, InputTensor>>): Promise<Record<string, Tensor>> {
    const values: Record<string, InputTensor> = { ...inputs };
    for (const { graph, session } of this.parts) {
      const read = Object.fromEntries(
        graph.inputs.flatMap(({ name }) => Object.hasOwn(values, name) ? [[name, values[name]]] : []),
      );
      Object.assign(values, await session.run(read));
    }
    return Object.fromEntries(this.#outputs.map((name) => [name, values[name] as Tensor]));
  }

  /** Frees everything. */
  destroy(): void {
    for (const { session } of this.parts) session.destroy();
  }
}
