/**
 * Brings a detector's network into the engine that was chosen.
 *
 * @module
 */

import { chooseEngine } from "../engine/choose_engine.ts";
import { checkCpuOptions } from "../engine/cpu/cpu_session.ts";
import { DeviceGuard } from "../engine/device_guard.ts";
import { warnOfFloats } from "../engine/half_range.ts";
import { warn } from "../engine/warn.ts";
import type { EngineName } from "../engine/session.ts";
import { type SelfTuner, selfTunerFor } from "../engine/self_tuner.ts";
import { checkPrecision, setUpEngine } from "../engine/setup.ts";
import type { AdapterRecord } from "../gpu/adapter.ts";
import type { Device } from "../gpu/device.ts";
import { CpuFrames } from "./cpu_frames.ts";
import { DeviceFrames } from "./device_frames.ts";
import { FrameMaker } from "./frame_maker.ts";
import type { Frames } from "./frames.ts";
import type { DetectionModel } from "./open_model.ts";
import type { DetectorOptions } from "./options.ts";

/** What a detector's engine makes of its network. */
export interface LoadedFrames {
  /** Which engine. */
  readonly engine: EngineName;
  /** What it computes on. */
  readonly adapter: AdapterRecord;
  /** Where it runs; undefined on the CPU. */
  readonly device?: Device;
  /** What runs pictures. */
  readonly frames: Frames;
  readonly guard: DeviceGuard;
  /** What is doubtful about the model; what its first picture tells is added. */
  readonly warnings: string[];
  /** Measures kernels beside the frames, where that was asked for. */
  readonly tuner?: SelfTuner;
}

/** Plans the network for a device and uploads it. Throws what planning and the device throw. */
async function loadOnDevice(model: DetectionModel, options: DetectorOptions): Promise<LoadedFrames> {
  const { graph, head, labels, file, settings: { iou } } = model;
  const { device, planning } = await setUpEngine(options);
  checkPrecision(graph, options.precision);
  const warnings = [...model.warnings];
  const guard = new DeviceGuard(device, "detector", graph.name);
  const frames = await DeviceFrames.create({
    maker: new FrameMaker({ ...model, device, planning }, options),
    ...{ guard, iou, meaning: { head, names: labels.length, file } },
    onFloats: (error) => warnOfFloats(error, warnings, options.onWarning),
    onSlow: (error) => {
      const why = (error as Error).message;
      const sentence = `${graph.name}: the kernels of the first pictures go on, others were refused: ${why}`;
      warn(sentence, options.onWarning, warnings);
    },
  });
  const tuner = selfTunerFor(device, () => frames.plan, options);
  return { engine: "webgpu", adapter: device.adapter, device, frames, guard, warnings, tuner };
}

/** Hands the network to onnxruntime. Throws as `CpuFrames.create` and `checkCpuOptions` do. */
async function loadOnCpu(model: DetectionModel, options: DetectorOptions): Promise<LoadedFrames> {
  checkCpuOptions(model.graph, options);
  const guard = new DeviceGuard(undefined, "detector", model.graph.name);
  const frames = await CpuFrames.create(model, guard, options.cpu);
  return { engine: "cpu", adapter: frames.adapter, frames, guard, warnings: [...model.warnings] };
}

/** Brings a model into the engine that the options choose. Throws FeatherdetError as `Detector.load` does. */
export async function loadFrames(model: DetectionModel, options: DetectorOptions): Promise<LoadedFrames> {
  const engine = await chooseEngine(options);
  return await (engine === "cpu" ? loadOnCpu : loadOnDevice)(model, options);
}
