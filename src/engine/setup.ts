/**
 * The one place where an engine is set up: the device, how activations are stored on it, and what plans are made for.
 *
 * @module
 */

import { adoptDevice, type Device, openSharedDevice } from "../gpu/device.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import type { StorageForm } from "../kernels/kernel.ts";
import type { PlanOptions } from "../plan/plan.ts";
import type { Tuning } from "../plan/tuning.ts";
import type { SelfTuning } from "./self_tuner.ts";

/**
 * Element type in which activations and weights are stored; arithmetic on floats is f32, but for the products of convolutions in
 * `f16-fast`, which stores as f16 does: up to 32 of them are computed and summed up in f16, and these sums in f32. That takes an adapter with
 * `shader-f16`. Numbers beyond 65504 do not fit into f16: a model whose weights or first run have such is kept in f32 and warned of; later runs store the greatest number in their place. A graph with QuantizeLinear and
 * DequantizeLinear always computes in int8 between these; the precision then concerns its float part. `int8` means f32 for that part, and
 * refuses graphs that are not quantized.
 */
export type Precision = "f32" | "f16" | "f16-fast" | "int8";

/** All precisions. */
export const PRECISIONS: readonly Precision[] = ["f32", "f16", "f16-fast", "int8"];

/** How an engine is set up. */
export interface EngineOptions {
  /** Default `f32`. */
  readonly precision?: Precision;
  /** A device that the caller owns; by default one device serves all engines. */
  readonly device?: GPUDevice;
  /** What `tune` found on this adapter. */
  readonly tuning?: Tuning;
  /**
   * Measures the kernels that `tuning` does not decide, beside the first frames or runs and within bounds; what is running stays as it is.
   * Not by default. Nothing is measured without timestamp queries and within a `memoryLimit`.
   */
  readonly selfTuning?: SelfTuning;
  /** How activations are stored; by default textures on software adapters, buffers elsewhere. */
  readonly storage?: StorageForm["storage"];
  /** Gives every node a dispatch of its own, as it takes to time single layers; false unless given. */
  readonly separate?: boolean;
  /**
   * Most bytes of device memory: of all buffers and textures of this engine, without what the driver keeps for itself. What is not said
   * otherwise is then chosen to fit: how many images are run together, the storage, at last f16 in the place of f32. If nothing fits, an
   * error names the least that is needed. By default there is no limit, and nothing is chosen by it.
   */
  readonly memoryLimit?: number;
  /** Told when f16 was asked for and the model is kept in f32, at once or in its first run; the console by default. */
  readonly onWarning?: (sentence: string) => void;
}

/** What a session begins with, and goes on with. */
export interface SessionStart {
  /**
   * `light`: convolutions by kernels that compile in a fraction of the time and run more slowly, for sessions of few runs. `full`, the
   * default: by those that run fastest. Both compute the same, but for the order of sums. What was tuned is `full`.
   */
  readonly start?: "light" | "full";
}

/** A device, and what plans for it are made with. */
export interface EngineSetup {
  /** Where plans run. */
  readonly device: Device;
  /** What the planner has to know of the device. */
  readonly planning: Omit<PlanOptions, "external" | "blockedInputs" | "blockedOutputs">;
}

/** The element type that activations and weights of a precision are stored as. */
export function storedAs(precision: Precision | undefined): StorageForm["scalar"] {
  return precision === "f16" || precision === "f16-fast" ? "f16" : "f32";
}

/** Chooses the form of storage for a device. Throws FeatherdetError for a precision or storage that does not exist or fails on the device. */
export function storageForm(
  device: Device,
  options: Pick<EngineOptions, "precision" | "storage">,
): Omit<StorageForm, "pageShift"> {
  const precision: string = options.precision ?? "f32";
  if (!(PRECISIONS as readonly string[]).includes(precision)) {
    throw new FeatherdetError(`precision "${precision}" is not available; there are ${PRECISIONS.join(", ")}`);
  }
  if (precision === "f16-fast" && !device.device.features.has("shader-f16")) {
    throw new FeatherdetError(
      `the adapter "${device.adapter.name}" has no arithmetic in f16 (shader-f16), which f16-fast needs: f16 stores halves and computes in f32`,
    );
  }
  const storage: string | undefined = options.storage;
  if (storage !== undefined && storage !== "texture" && storage !== "buffer") {
    throw new FeatherdetError(`storage "${storage}" is not available; there are texture and buffer`);
  }
  if (options.storage === "texture" && !device.storageTextures) {
    throw new FeatherdetError(
      `the adapter "${device.adapter.name}" fails the check of storage textures: leave the storage to be chosen, or ask for buffers`,
    );
  }
  const fastest = device.adapter.software && device.storageTextures ? "texture" : "buffer";
  return { scalar: storedAs(options.precision), storage: options.storage ?? fastest };
}

/** Throws FeatherdetError if `int8` is asked for and the graph is not quantized. */
export function checkPrecision(graph: Graph, precision: Precision | undefined): void {
  if (precision !== "int8" || graph.nodes.some(({ op }) => op === "QuantizeLinear")) return;
  throw new FeatherdetError(
    `the model is in floats: make it int8 first, with quantize() or \`deno task quantize\`, then run the result`,
    { file: graph.name },
  );
}

/** What the planner has to know of a device to store activations in a form. */
export function planningFor(
  device: Device,
  form: Omit<StorageForm, "pageShift">,
  tuning?: Tuning,
  precision?: Precision,
): EngineSetup["planning"] {
  const { maxTextureArrayLayers, maxStorageTexturesPerShaderStage, maxBufferSize } = device.device.limits;
  return {
    form,
    maxPages: form.storage === "texture" ? maxTextureArrayLayers : Infinity,
    maxStorageTextures: maxStorageTexturesPerShaderStage,
    maxBufferBytes: maxBufferSize,
    packedDot: device.adapter.packedDot,
    halfProducts: precision === "f16-fast",
    target: device.adapter.software ? "software" : "hardware",
    tuning,
  };
}

/** A form of storage that may be chosen, and what to call it. */
export interface FormChoice {
  readonly text: string;
  readonly planning: EngineSetup["planning"];
}

/** Forms in which a model may be stored where memory decides, best first: what options say is kept. */
export function formChoices(device: Device, options: EngineOptions): FormChoice[] {
  const precisions = options.precision === undefined ? ["f32", "f16"] as const : [options.precision];
  return precisions.flatMap((precision) => {
    const usual = storageForm(device, { ...options, precision });
    const storages = options.storage === undefined && usual.storage === "texture"
      ? ["texture", "buffer"] as const
      : [usual.storage];
    return storages.map((storage): FormChoice => ({
      text: `${precision} in ${storage}s`,
      planning: planningFor(device, { ...usual, storage }, options.tuning, precision),
    }));
  });
}

/** The same in f32: for models whose numbers halves do not hold. */
export function planningInFloats(planning: EngineSetup["planning"]): EngineSetup["planning"] {
  return { ...planning, form: { ...planning.form, scalar: "f32" }, halfProducts: false };
}

/**
 * Finds the device and says what plans for it are made with. Throws FeatherdetError if there is no adapter, and for a precision or a
 * storage that does not exist or fails on the device.
 */
export async function setUpEngine(options: EngineOptions): Promise<EngineSetup> {
  const device = options.device ? await adoptDevice(options.device) : await openSharedDevice();
  const planning = planningFor(device, storageForm(device, options), options.tuning, options.precision);
  return { device, planning: { ...planning, separate: options.separate } };
}
