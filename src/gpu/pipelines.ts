/**
 * Compiles shaders to pipelines, once for each device and linked text.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

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
  const module = device.createShaderModule({ label, code });
  const entries = layouts.map((layout, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, ...layout }));
  const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ label, entries })] });
  try {
    return await device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
  } catch (error) {
    throw new FeatherdetError(`the adapter does not take the shader of "${label}": ${(error as Error).message}`, {}, {
      cause: error,
    });
  }
}

/** The pipeline for a shader text with an explicit bind group layout; compiled at the first call. */
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
  if (!found) list.push(found = { code, layouts, pipeline: compile(device, label, code, layouts) });
  return found.pipeline;
}
