/**
 * Which engine computes where the caller leaves it open.
 *
 * @module
 */

import { type Device, openSharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { CpuOptions } from "./cpu/cpu_program.ts";
import { importRuntime } from "./cpu/runtime.ts";
import type { EngineName } from "./session_engine.ts";
import { warn } from "./warn.ts";
import { type EngineOptions, storedAs } from "./setup.ts";

/** Which engine computes. */
export interface EngineChoice {
  /**
   * `webgpu` (the default): WGSL shaders on a WebGPU device. `cpu`: onnxruntime on the CPU, an optional package that is loaded then. `auto`:
   * `cpu` where there is no adapter, or only one that computes on the CPU itself, and onnxruntime can be loaded; else `webgpu`.
   */
  readonly engine?: EngineName | "auto";
  /** How the CPU engine computes. */
  readonly cpu?: CpuOptions;
}

/** The shared device; undefined if there is none. */
async function deviceIfAny(): Promise<Device | undefined> {
  try {
    return await openSharedDevice();
  } catch (error) {
    if (error instanceof FeatherdetError) return undefined;
    throw error;
  }
}

/** What keeps the CPU engine's runtime from being loaded; undefined if it is there. */
async function faultOfRuntime({ runtime }: CpuOptions): Promise<FeatherdetError | undefined> {
  if (runtime !== undefined) return undefined;
  try {
    await importRuntime();
    return undefined;
  } catch (error) {
    return error as FeatherdetError;
  }
}

/**
 * The engine for the options. Measured gains decide: onnxruntime's native code takes a quarter to a half of llvmpipe's time, its WebAssembly a
 * fifth of SwiftShader's, which is the software adapter of browsers (`docs/deployment.md`). A GPU always computes itself.
 *
 * Throws FeatherdetError for a name that is none, and where `auto` finds no adapter and no runtime either.
 */
export async function chooseEngine(options: EngineChoice & EngineOptions): Promise<EngineName> {
  const { cpu = {}, device, storage, tuning, memoryLimit, precision } = options;
  const engine: string = options.engine ?? "webgpu";
  if (engine === "webgpu" || engine === "cpu") return engine;
  if (engine !== "auto") {
    throw new FeatherdetError(`engine "${engine}" is not available; there are webgpu, cpu and auto`);
  }
  // What only one engine understands has decided.
  const isOfDevices = [device, storage, tuning, memoryLimit].some((given) => given !== undefined);
  if (isOfDevices || storedAs(precision) === "f16") return "webgpu";
  const found = await deviceIfAny();
  if (found !== undefined && !found.adapter.software) return "webgpu";
  const fault = await faultOfRuntime(cpu);
  if (fault === undefined) return "cpu";
  if (found === undefined) {
    throw new FeatherdetError(`no WebGPU adapter was found, and ${fault.detail}`, {}, { cause: fault });
  }
  warn(`${fault.detail}; the software adapter computes instead`, options.onWarning);
  return "webgpu";
}
