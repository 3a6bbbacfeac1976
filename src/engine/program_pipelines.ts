/**
 * The pipelines of a program: what is compiled for each dispatch, all at once or one after the other beside other work.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { type BindingLayout, isCompiled, pipelineFor } from "../gpu/pipelines.ts";
import { int8Bindings, linkKernel } from "../kernels/link.ts";
import type { Kernel, KernelBinding, StorageForm } from "../kernels/kernel.ts";
import { checkParameters, uniformLeaves } from "../kernels/parameters.ts";
import type { Dispatch, Placement } from "../plan/plan.ts";

/** A resource from outside the plan. */
export type External =
  | { readonly kind: "buffer"; readonly buffer: GPUBuffer; readonly offset?: number; readonly size?: number }
  | { readonly kind: "texture"; readonly texture: GPUTexture };

/** What decides how dispatches are compiled. */
export interface CompiledSource {
  readonly form: StorageForm;
  readonly dispatches: readonly Dispatch[];
  readonly placements: ReadonlyMap<string, Placement>;
  /** Buffers and textures that kernels name as values and that are not in the plan. */
  readonly external?: ReadonlyMap<string, External>;
}

/** The format of a cell of floats. */
export function cellFormat({ scalar }: Pick<StorageForm, "scalar">): GPUTextureFormat {
  return scalar === "f16" ? "rgba16float" : "rgba32float";
}

function storageTexture(access: GPUStorageTextureAccess, format: GPUTextureFormat): BindingLayout {
  return { storageTexture: { access, format, viewDimension: "2d-array" } };
}

/** Where the plan has a value. Throws FeatherdetError for one that it does not know. */
export function placementOf({ placements }: Pick<CompiledSource, "placements">, value: string): Placement {
  const placement = placements.get(value);
  if (!placement) throw new FeatherdetError(`the plan gives "${value}" no memory`);
  return placement;
}

function layoutOf(source: CompiledSource, binding: KernelBinding): BindingLayout {
  const textures = source.form.storage === "texture";
  if (binding.kind === "constant" || binding.kind === "scratch") return { buffer: { type: "storage" } };
  if (binding.kind === "weights" || binding.kind === "int8 weights" || binding.kind === "packed") {
    const writes = binding.kind === "packed" && binding.access === "write";
    const format = binding.kind === "int8 weights" ? "rgba32uint" : cellFormat(source.form);
    if (textures) return storageTexture(writes ? "write-only" : "read-only", format);
    return { buffer: { type: writes ? "storage" : "read-only-storage" } };
  }
  const external = source.external?.get(binding.value);
  if (external) {
    return external.kind === "buffer"
      ? { buffer: { type: "storage" } }
      : { texture: { sampleType: "float", viewDimension: "2d" } };
  }
  const { layout } = placementOf(source, binding.value);
  if (layout.kind === "plain" || !textures) return { buffer: { type: "storage" } };
  const format = layout.int8 ? "r32uint" : cellFormat(source.form);
  return storageTexture(binding.kind === "read" ? "read-only" : "write-only", format);
}

/** The shader of each dispatch, in their order; each is linked when it is asked for. */
function* shadersOf(
  { form, dispatches, placements }: Omit<CompiledSource, "external">,
): Generator<{ readonly kernel: Kernel; readonly code: string }> {
  const isInt8 = (value: string) => {
    const layout = placements.get(value)?.layout;
    return layout?.kind === "blocked" && layout.int8 !== undefined;
  };
  const linked = new Map<string, { readonly code: string; readonly uniform: ReturnType<typeof uniformLeaves> }>();
  for (const { kernel } of dispatches) {
    // Linking is pure; dispatches of one kernel share the text.
    const key = JSON.stringify([kernel.shader, kernel.constants, int8Bindings(kernel, isInt8)]);
    let shader = linked.get(key);
    if (!shader) {
      const code = linkKernel(kernel, form, isInt8);
      linked.set(key, shader = { code, uniform: uniformLeaves(code) });
    }
    checkParameters(kernel, shader.uniform);
    yield { kernel, code: shader.code };
  }
}

/** The pipeline of a kernel; compiled now where it was not before. */
function pipelineOf(
  device: GPUDevice,
  source: CompiledSource,
  { kernel, code }: { readonly kernel: Kernel; readonly code: string },
): Promise<GPUComputePipeline> {
  const bindings = kernel.bindings.map((binding) => layoutOf(source, binding));
  return pipelineFor(device, kernel.label, code, [{ buffer: { type: "uniform" } }, ...bindings]);
}

/** Compiles the pipelines of all dispatches, in their order. Throws FeatherdetError if the adapter refuses a shader. */
export function compileAll(device: GPUDevice, source: CompiledSource): Promise<GPUComputePipeline[]> {
  return Promise.all([...shadersOf(source)].map((shader) => pipelineOf(device, source, shader)));
}

/**
 * Compiles the pipelines of all dispatches one after the other, with turns of the event loop in between, so that `compileAll` finds them.
 * `onNew` is called with each that was not there before, and the place of a dispatch that it is for; what it throws ends it. Throws
 * FeatherdetError if the adapter refuses a shader.
 */
export async function compileInTurns(
  device: GPUDevice,
  source: CompiledSource,
  onNew: (pipeline: GPUComputePipeline, at: number) => Promise<void>,
): Promise<void> {
  let at = 0;
  for (const shader of shadersOf(source)) {
    if (!isCompiled(device, shader.code)) {
      await onNew(await pipelineOf(device, source, shader), at);
      await new Promise((resolve) => setTimeout(resolve));
    }
    at++;
  }
}

/** Characters of the shaders of a program that were not compiled on a device yet: a hundred take one to two milliseconds. */
export function charactersToCompile(device: GPUDevice, source: Omit<CompiledSource, "external">): number {
  const codes = new Set([...shadersOf(source)].map(({ code }) => code));
  return [...codes].reduce((sum, code) => isCompiled(device, code) ? sum : sum + code.length, 0);
}
