/**
 * Runs graphs for compression passes, each in a Session of its own.
 *
 * @module
 */

import type { Runner } from "../compress/runner.ts";
import { adoptDevice, openSharedDevice } from "../gpu/device.ts";
import type { Graph } from "../graph/mod.ts";
import { chooseEngine } from "./choose_engine.ts";
import { hasFewOperations } from "./few_operations.ts";
import { Session, type SessionOptions } from "./session.ts";

/** A runner on the device, and how to free all that it holds. */
export interface SessionRunner extends Runner {
  /** Frees the sessions of all graphs that were not released. */
  destroy(): void;
}

/** Sessions of small networks run more slowly where compiling would take longer than their runs, which are few here. */
async function startOf(graph: Graph, options: SessionOptions): Promise<SessionOptions["start"]> {
  if (options.start !== undefined || options.tuning !== undefined || await chooseEngine(options) === "cpu") {
    return options.start;
  }
  const { adapter } = options.device ? await adoptDevice(options.device) : await openSharedDevice();
  return adapter.software && hasFewOperations(graph) ? "light" : "full";
}

/**
 * A runner that keeps a session for each graph until the graph is released. On software adapters small networks are run by kernels that
 * compile quickly, unless `start` says otherwise: the graph alone decides, so that the same graph gives the same numbers.
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
      const session = known ?? startOf(graph, options).then((start) => Session.create(graph, { ...options, start }));
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
