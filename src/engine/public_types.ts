/**
 * The types of devices and sessions that signatures of entry points mention.
 *
 * @module
 */

export type { AdapterRecord, Device } from "../gpu/device.ts";
export type { DispatchTime } from "./profile.ts";
export type { InputTensor, SessionOptions, Tensor } from "./session.ts";
export type { EngineOptions, Precision } from "./setup.ts";
