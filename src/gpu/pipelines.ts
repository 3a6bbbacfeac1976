/**
 * Compiles shaders to pipelines, once for each device and linked text.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { deviceError, watch } from "./device_errors.ts";

/** What one binding of a pipeline is, as the device wants to know it. */
export type BindingLayout = Omit<GPUBindGroupLayoutEntry, "binding" | "visibility">;

interface Cached {
  readonly code: string;
  readonly layouts: readonly BindingLayout[];
  readonly pipeline: Promise<GPUComputePipeline>;
}

/** Pipelines of each device, found by the text of their code: equal text is equal work. */
const caches = new WeakMap<GPUDevice, Map<string, Cached[]>>();

function sameLayouts(a: readonly BindingLayout[], b: readonly BindingLayout[]): boolean {
  return a.length === b.length &&
    a.every((layout, i) =>
      layout.buffer?.type === b[i].buffer?.type && layout.storageTexture?.format === b[i].storageTexture?.format &&
      layout.storageTexture?.access === b[i].storageTexture?.access &&
      layout.texture?.viewDimension === b[i].texture?.viewDimension &&
      layout.texture?.sampleType === b[i].texture?.sampleType
    );
}

async function compile(
  device: GPUDevice,
  label: string,
  code: string,
  layouts: readonly BindingLayout[],
): Promise<GPUComputePipeline> {
  const { result: compiled, fault } = watch(device, () => {
    const module = device.createShaderModule({ label, code });
    const entries = layouts.map((layout, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, ...layout }));
    const layout = device.createPipelineLayout({
      bindGroupLayouts: [device.createBindGroupLayout({ label, entries })],
    });
    return device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
  });
  try {
    const pipeline = await compiled;
    const error = await fault;
    if (error) throw error;
    return pipeline;
  } catch (error) {
    const { message } = error as Error;
    const refused = new FeatherdetError(`the adapter does not take the shader of "${label}": ${message}`, {}, {
      cause: error,
    });
    throw await deviceError(device, label, refused);
  }
}

/**
 * The pipeline for a shader text with an explicit bind group layout; compiled at the first call. Throws FeatherdetError if the adapter
 * does not take it; the next call tries again.
 */
export function pipelineFor(
  device: GPUDevice,
  label: string,
  code: string,
  layouts: readonly BindingLayout[],
): Promise<GPUComputePipeline> {
  let cache = caches.get(device);
  if (!cache) caches.set(device, cache = new Map());
  let list = cache.get(code);
  if (!list) cache.set(code, list = []);
  let found = list.find((cached) => sameLayouts(cached.layouts, layouts));
  if (!found) {
    const made: Cached = found = { code, layouts, pipeline: compile(device, label, code, layouts) };
    list.push(made);
    made.pipeline.catch(() => list.splice(list.indexOf(made), 1));
  }
  return found.pipeline;
}

/** Whether a shader text was compiled on a device, or is on its way. */
export function isCompiled(device: GPUDevice, code: string): boolean {
  return (caches.get(device)?.get(code)?.length ?? 0) > 0;
}

/** Whether anything was compiled on a device by `pipelineFor`. */
export function hasPipelines(device: GPUDevice): boolean {
  return caches.has(device);
}
