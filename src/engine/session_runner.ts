/**
 * Runs graphs for compression passes, each in a Session of its own.
 *
 * @module
 */

import type { Runner } from "../compress/runner.ts";
import type { Graph } from "../graph/mod.ts";
import { Session, type SessionOptions } from "./session.ts";

/** A runner on the device, and how to free all that it holds. */
export interface SessionRunner extends Runner {
  /** Frees the sessions of all graphs that were not released. */
  destroy(): void;
}

/**
 * A runner that keeps a session for each graph until the graph is released.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { createSessionRunner } from "./session_runner.ts";
 * const runner = createSessionRunner();
 * const graph = demoDetector({ size: 64 });
 * const { output0 } = await runner.run(graph, { images: { shape: [1, 3, 64, 64], data: new Float32Array(3 * 64 * 64) } });
 * assert.deepEqual(output0.shape, [1, 7, 84]);
 * runner.destroy();
 * ```
 */
export function createSessionRunner(options: Omit<SessionOptions, "shapes"> = {}): SessionRunner {
  const sessions = new Map<Graph, Promise<Session>>();
  const release = (graph: Graph) => {
    const session = sessions.get(graph);
    sessions.delete(graph);
    session?.then((made) => made.destroy(), () => {});
  };
  return {
    async run(graph, inputs) {
      const known = sessions.get(graph);
      const session = known ?? Session.create(graph, options);
      if (!known) sessions.set(graph, session);
      try {
        return await (await session).run(inputs);
      } catch (error) {
        // The next run of this graph begins anew, on a device that works.
        if (sessions.get(graph) === session) release(graph);
        throw error;
      }
    },
    release,
    destroy() {
      for (const graph of [...sessions.keys()]) release(graph);
    },
  };
}
