/**
 * The engine: a graph is checked, planned as a list of dispatches and run on a device.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { printPlan, Session } from "./engine.ts";
 * import { demoDetector } from "./mod.ts";
 *
 * const session = await Session.create(demoDetector({ size: 64 }));
 * const { output0 } = await session.run({ images: { shape: [1, 3, 64, 64], data: new Float32Array(3 * 64 * 64) } });
 * session.destroy();
 *
 * assert.deepEqual(output0.shape, [1, 7, 84]);
 * assert.match(printPlan(session.plan), /conv/);
 * ```
 *
 * @module
 */

export { openDevice, openSharedDevice } from "./src/gpu/device.ts";
export { Session } from "./src/engine/session.ts";
export { type PlacedPart, PlacedSession } from "./src/engine/placed_session.ts";
export { createSessionRunner, type SessionRunner } from "./src/engine/session_runner.ts";
export { buildPlan } from "./src/plan/plan.ts";
export { printPlan } from "./src/plan/print.ts";
export { tune, type TuneOptions } from "./src/engine/tune.ts";
export {
  type ExternalData,
  importOnnx,
  type ImportOptions,
  type InputShapes,
  type ShapeOf,
  type StatedInput,
} from "./src/onnx/mod.ts";
export { inferTypes } from "./src/graph/infer.ts";
export { verify } from "./src/graph/verify.ts";
export { changeShapes, cutGraph } from "./src/passes/mod.ts";
export { recogniseActivations } from "./src/passes/recognise_activations.ts";
export { printGraph } from "./src/graph/print.ts";
export type { Runner, RunnerTensor } from "./src/compress/runner.ts";
export type * from "./src/engine/public_types.ts";
export type * from "./src/graph/public_types.ts";
export type * from "./src/plan/public_types.ts";
