/**
 * What a session is made of: one engine that runs its graph.
 *
 * @module
 */

import type { AdapterRecord } from "../gpu/adapter.ts";
import type { Device } from "../gpu/device.ts";
import type { Plan } from "../plan/plan.ts";
import type { DispatchTime } from "./profile.ts";
import type { InputTensor, Tensor } from "./tensors.ts";

/** What computes: WGSL shaders on a WebGPU device, or onnxruntime on the CPU. */
export type EngineName = "webgpu" | "cpu";

/** A graph in an engine. */
export interface SessionEngine {
  /** Which engine. */
  readonly engine: EngineName;
  /** What it computes on. */
  readonly adapter: AdapterRecord;
  /** Where it runs; undefined for the CPU. */
  readonly device?: Device;
  /** The plan that is run; undefined where onnxruntime plans. */
  readonly plan?: Plan;
  /** What is doubtful, a sentence each. */
  readonly warnings: readonly string[];
  /** Bytes of GPU memory. */
  readonly bytes: number;
  /** Runs the graph once. Throws FeatherdetError for inputs that are none, and whatever keeps it from running. */
  run(inputs: Readonly<Record<string, InputTensor>>): Promise<Record<string, Tensor>>;
  /** Times of the dispatches, the median of `runs`. */
  profile(runs: number): Promise<DispatchTime[]>;
  /** Frees everything. */
  destroy(): void;
}
