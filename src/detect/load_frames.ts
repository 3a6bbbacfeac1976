/**
 * Brings a detector's network into the engine that was chosen.
 *
 * @module
 */

import { checkCpuOptions } from "../engine/cpu/cpu_session.ts";
import { HalfRangeError, warnOfFloats } from "../engine/half_range.ts";
import type { EngineName, SessionOptions } from "../engine/session.ts";
import { checkPrecision, type EngineSetup, planningInFloats, setUpEngine } from "../engine/setup.ts";
import type { AdapterRecord } from "../gpu/adapter.ts";
import type { Device } from "../gpu/device.ts";
import type { Graph } from "../graph/graph.ts";
import { CpuFrames } from "./cpu_frames.ts";
import { FrameProgram } from "./frame_program.ts";
import type { Frames, FrameSettings } from "./frames.ts";
import type { Head } from "./heads/form.ts";
import { planNetwork } from "./plan_network.ts";

/** What a detector's engine makes of its network. */
export interface LoadedFrames {
  /** Which engine. */
  readonly engine: EngineName;
  /** What it computes on. */
  readonly adapter: AdapterRecord;
  /** Where it runs; undefined on the CPU. */
  readonly device?: Device;
  /** What runs frames. */
  readonly frames: Frames;
  /** Makes the same in f32, where the numbers do not fit into f16. */
  readonly makeInFloats?: () => Promise<Frames>;
  /** What is doubtful about it. */
  readonly warnings: readonly string[];
}

/** Plans the network for a device and uploads it. Throws what planning and the device throw. */
export async function loadOnDevice(
  graph: Graph,
  head: Head,
  settings: FrameSettings,
  options: SessionOptions,
): Promise<LoadedFrames> {
  const { device, planning } = await setUpEngine(options);
  checkPrecision(graph, options.precision);
  const make = (how: EngineSetup["planning"]) =>
    FrameProgram.create(device, planNetwork(graph, how, head).plan, head, settings);
  const makeInFloats = () => make(planningInFloats(planning));
  const warnings: string[] = [];
  const frames = await make(planning).catch((error) => {
    if (!(error instanceof HalfRangeError)) throw error;
    warnOfFloats(error, warnings, options.onWarning);
    return makeInFloats();
  });
  return { engine: "webgpu", adapter: device.adapter, device, frames, makeInFloats, warnings };
}

/** Hands the network to onnxruntime. Throws as `CpuFrames.create` and `checkCpuOptions` do. */
export async function loadOnCpu(
  graph: Graph,
  head: Head,
  settings: FrameSettings,
  options: SessionOptions,
): Promise<LoadedFrames> {
  checkCpuOptions(graph, options);
  const frames = await CpuFrames.create(graph, head, settings, options.cpu);
  return { engine: "cpu", adapter: frames.adapter, frames, warnings: [] };
}
