/**
 * Finds an adapter and opens a device with the features and limits that the engine can use.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { packedDotWorks, storageTexturesWork } from "./self_check.ts";

/** What is known of an adapter. Every record of a measurement holds it. */
export interface AdapterRecord {
  /** The driver's name for it. */
  readonly name: string;
  /** The vendor's name or number. */
  readonly vendor: string;
  /** Family of the chip, if it is known. */
  readonly architecture: string;
  /** True for an adapter that computes on the CPU. */
  readonly software: boolean;
  /** Whether packed dot products of bytes passed a known-answer check. If not, int8 is computed without them. Absent before the check. */
  readonly packedDot?: boolean;
}

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
export const NO_ADAPTER = "no WebGPU adapter was found: install a Vulkan driver, on Debian or Ubuntu " +
  "`apt-get install -y mesa-vulkan-drivers libvulkan1` gives a software one";

function describe(info: GPUAdapterInfo): AdapterRecord {
  const name = [info.device, info.description].filter((text) => text && !/^0?x?0*$/.test(text)).join(" ") ||
    info.vendor || "unknown";
  const software = info.isFallbackAdapter === true ||
    /llvmpipe|swiftshader|lavapipe|basic render/i.test(`${name} ${info.vendor} ${info.architecture}`);
  return { name, vendor: info.vendor, architecture: info.architecture, software };
}

/** What is known of the adapter behind a device. */
export function adapterOf(device: GPUDevice): AdapterRecord {
  const info = (device as GPUDevice & { adapterInfo?: GPUAdapterInfo }).adapterInfo;
  return info ? describe(info) : { name: "unknown", vendor: "", architecture: "", software: false };
}

/** The name of an adapter for people, with a word where it computes on the CPU. */
export function adapterText({ name, software }: Pick<AdapterRecord, "name" | "software">): string {
  return software ? `${name} (software)` : name;
}

/** The device with what the checks at start-up say of it. */
async function checked(device: GPUDevice, adapter: AdapterRecord): Promise<Device> {
  const storageTextures = await storageTexturesWork(device);
  const packedDot = await packedDotWorks(device);
  const timestamps = device.features.has("timestamp-query");
  return { device, adapter: { ...adapter, packedDot }, storageTextures, timestamps };
}

const adopted = new WeakMap<GPUDevice, Promise<Device>>();

/** Wraps a device that the caller owns; it is checked once. */
export function adoptDevice(device: GPUDevice): Promise<Device> {
  let known = adopted.get(device);
  if (!known) {
    known = checked(device, adapterOf(device));
    adopted.set(device, known);
  }
  return known;
}

/**
 * Opens a device on the best adapter, with all features and limits that the engine can use and the adapter offers. Throws FeatherdetError
 * if there is no WebGPU or no adapter.
 */
export async function openDevice(): Promise<Device> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (gpu === undefined) throw new FeatherdetError("this runtime has no WebGPU (navigator.gpu is missing)");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new FeatherdetError(NO_ADAPTER);
  const features = WANTED.filter((feature) => adapter.features.has(feature));
  const limits: Record<string, number> = {};
  for (const limit of LIMITS) limits[limit] = adapter.limits[limit];
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredFeatures: features, requiredLimits: limits });
  } catch (error) {
    throw new FeatherdetError(`the adapter "${adapter.info.device}" gave no device: ${(error as Error).message}`);
  }
  return await checked(device, describe(adapter.info));
}

let shared: Promise<Device> | undefined;

/** The device that sessions and detectors share unless they are given one. It is opened once, and opened again after a loss. */
export function openSharedDevice(): Promise<Device> {
  shared ??= openDevice().then((opened) => {
    opened.device.lost.then(() => shared = undefined);
    return opened;
  }, (error) => {
    shared = undefined;
    throw error;
  });
  return shared;
}
