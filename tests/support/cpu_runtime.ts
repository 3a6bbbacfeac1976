/**
 * The CPU engine in the thread of the test: without a worker a model is loaded in a few milliseconds.
 *
 * @module
 */

import type { SessionOptions } from "../../src/engine/session.ts";
import { importRuntime } from "../../src/engine/cpu/runtime.ts";

/** Options of a session or detector on the CPU. */
export const ON_CPU: Pick<SessionOptions, "engine" | "cpu"> = {
  engine: "cpu",
  cpu: { runtime: await importRuntime(), threads: 1 },
};
