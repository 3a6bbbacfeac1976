/**
 * Finds an adapter and opens a device with the features and limits that the engine can use.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { adapterOf, type AdapterRecord, describeAdapter } from "./adapter.ts";
import { isLost } from "./device_errors.ts";
import { packedDotWorks, storageTexturesWork } from "./self_check.ts";

export { adapterOf, type AdapterRecord, adapterText } from "./adapter.ts";

/** An open device and what was found out about it. */
export interface Device {
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** What it computes on. */
  readonly adapter: AdapterRecord;
  /** Whether storage textures passed a known-answer check. If not, activations are kept in buffers. */
  readonly storageTextures: boolean;
  /** Whether GPU time can be measured. */
  readonly timestamps: boolean;
}

const WANTED: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16"];
const LIMITS = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxTextureArrayLayers",
  "maxTextureDimension2D",
  "maxComputeWorkgroupStorageSize",
  "maxStorageBuffersPerShaderStage",
  "maxStorageTexturesPerShaderStage",
] as const;

/** The sentence for machines without WebGPU; names the one command that helps on Debian and Ubuntu. */
export const NO_ADAPTER: string = "no WebGPU adapter was found: install a Vulkan driver, on Debian or Ubuntu " +
  "`apt-get install -y mesa-vulkan-drivers libvulkan1` gives a software one";

/** The device with what the checks at start-up say of it. */
async function checked(device: GPUDevice, adapter: AdapterRecord): Promise<Device> {
  const [storageTextures, packedDot] = await Promise.all([storageTexturesWork(device), packedDotWorks(device)]);
  const timestamps = device.features.has("timestamp-query");
  return { device, adapter: { ...adapter, packedDot }, storageTextures, timestamps };
}

const adopted = new WeakMap<GPUDevice, Promise<Device>>();

/** Wraps a device that the caller owns; it is checked once. Throws FeatherdetError if it is lost or has no memory for the checks. */
export function adoptDevice(device: GPUDevice): Promise<Device> {
  let known = adopted.get(device);
  if (!known) {
    known = checked(device, adapterOf(device));
    adopted.set(device, known);
    known.catch(() => adopted.delete(device));
  }
  return known;
}

/** The best adapter there is. Throws FeatherdetError if there is no WebGPU or no adapter. */
async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (gpu === undefined) throw new FeatherdetError("this runtime has no WebGPU (navigator.gpu is missing)");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new FeatherdetError(NO_ADAPTER);
  return adapter;
}

/** What is known of the best adapter, without a device on it. Throws FeatherdetError if there is no WebGPU or no adapter. */
export async function findAdapter(): Promise<AdapterRecord> {
  return describeAdapter((await requestAdapter()).info);
}

/**
 * Opens a device on the best adapter, with all features and limits that the engine can use and the adapter offers. Throws FeatherdetError
 * if there is no WebGPU or no adapter.
 */
export async function openDevice(): Promise<Device> {
  const adapter = await requestAdapter();
  const features = WANTED.filter((feature) => adapter.features.has(feature));
  const limits: Record<string, number> = {};
  for (const limit of LIMITS) limits[limit] = adapter.limits[limit];
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredFeatures: features, requiredLimits: limits });
  } catch (error) {
    throw new FeatherdetError(`the adapter "${adapter.info.device}" gave no device: ${(error as Error).message}`);
  }
  return await checked(device, describeAdapter(adapter.info));
}

let shared: Promise<Device> | undefined;

/** The device that sessions and detectors share unless they are given one. It is opened once, and opened again after a loss. */
export async function openSharedDevice(): Promise<Device> {
  while (true) {
    const opening = shared ??= openDevice();
    const forget = () => {
      if (shared === opening) shared = undefined;
    };
    try {
      const opened = await opening;
      if (!await isLost(opened.device)) return opened;
      forget();
    } catch (error) {
      forget();
      throw error;
    }
  }
}
