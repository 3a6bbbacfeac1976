/**
 * The types of devices and sessions that signatures of entry points mention.
 *
 * @module
 */

export type { AdapterRecord, Device } from "../gpu/device.ts";
export type { DispatchTime } from "./profile.ts";
export type { EngineChoice, EngineName, InputTensor, SessionOptions, Tensor } from "./session.ts";
export type { CpuOptions } from "./cpu/cpu_program.ts";
export type { OnnxRuntime, OrtData, OrtSession, OrtSessionOptions, OrtTensor } from "./cpu/runtime.ts";
export type { EngineOptions, Precision, SessionStart } from "./setup.ts";
export type { SelfTuning } from "./self_tuner.ts";
