/**
 * A Program is a plan on a device: memory, weights, pipelines and bind groups, ready to be encoded any number of times.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { Memory } from "../gpu/memory.ts";
import { packParameters } from "../kernels/parameters.ts";
import type { Device } from "../gpu/device.ts";
import { deviceError, settled, watch } from "../gpu/device_errors.ts";
import { type KernelBinding, type Parameters, valuesOf } from "../kernels/kernel.ts";
import { cellFormat, compileAll, compileInTurns, type External, placementOf } from "./program_pipelines.ts";
import { cellBytes, INT8_CELL_BYTES, pageBytes, UNIFORM_ALIGNMENT } from "./program_bytes.ts";
import { ProgramWeights } from "./program_weights.ts";
import type { Dispatch, Placement, Plan } from "../plan/plan.ts";

/** What a program is made from: the part of a plan that it needs, and resources that somebody else owns. */
export interface ProgramSource
  extends
    Pick<Plan, "form" | "pitch" | "pages" | "int8Pages" | "plainBytes" | "scratchBytes" | "dispatches" | "placements">,
    Partial<Pick<Plan, "plainAmongPages">> {
  /** Buffers and textures that kernels name as values and that are not in the plan. */
  readonly external?: ReadonlyMap<string, External>;
}

export { cellBytes } from "./program_bytes.ts";
export type { External } from "./program_pipelines.ts";

interface EncodedDispatch {
  readonly pipeline: GPUComputePipeline;
  readonly resources: GPUBindingResource[];
  group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Whether pipelines are compiled when they are first used. Browsers do it when one is made, and warn of dispatches of nothing. */
const COMPILES_ON_USE = "Deno" in globalThis;

/** Pipelines that the driver has compiled, or does now. */
const used = new WeakSet<GPUComputePipeline>();

/** A plan on a device. */
export class Program {
  readonly memory: Memory;
  /** Activation arena in row memory. */
  readonly arena: GPUTexture | GPUBuffer;
  /** Arena of int8 cells, where the plan has any. */
  readonly int8Arena: GPUTexture | GPUBuffer | undefined;
  /** Activation arena of plain values; that of row memory where they lie in it. */
  readonly plain: GPUBuffer;
  /** Data that the dispatches of one node hand to each other, if there are any. */
  readonly scratch: GPUBuffer | undefined;
  readonly dispatches: readonly Dispatch[];
  readonly #source: ProgramSource;
  readonly #device: Device;
  readonly #external: Map<string, External>;
  readonly #constants: Map<Float32Array, GPUBuffer>;
  readonly #weights: ProgramWeights;
  #dispatches: EncodedDispatch[] = [];
  #parameters: GPUBuffer | undefined;
  #offsets: number[] = [];

  /** Takes memory for activations, in `memory`, or that of another program. */
  private constructor(device: Device, source: ProgramSource, memory: Memory, lender?: Program) {
    this.memory = memory;
    this.#device = device;
    this.#source = source;
    this.#external = new Map(source.external);
    this.dispatches = source.dispatches;
    this.#constants = new Map(lender === undefined ? [] : lender.#constants);
    this.#weights = new ProgramWeights(device, source.form, memory, lender === undefined ? undefined : lender.#weights);
    if (lender) {
      [this.arena, this.int8Arena, this.plain, this.scratch] = [
        lender.arena,
        lender.int8Arena,
        lender.plain,
        lender.scratch,
      ];
      return;
    }
    const { form, pages, int8Pages } = source;
    this.arena = this.#rowMemory("activations", cellFormat(this.#source.form), pages, cellBytes(form));
    if (int8Pages > 0) {
      this.int8Arena = this.#rowMemory("int8 activations", "r32uint", int8Pages, INT8_CELL_BYTES);
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const shared = source.plainAmongPages && !("createView" in this.arena) ? this.arena : undefined;
    this.plain = shared ?? this.memory.buffer("plain activations", usage, source.plainBytes);
    if (source.scratchBytes > 0) this.scratch = this.memory.buffer("scratch", usage, source.scratchBytes);
  }

  #rowMemory(label: string, format: GPUTextureFormat, pages: number, bytes: number): GPUTexture | GPUBuffer {
    const { form, pitch } = this.#source;
    const rows = 1 << form.pageShift;
    if (form.storage === "texture") {
      const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC;
      return this.memory.texture(label, usage, format, [pitch, rows, pages], bytes);
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return this.memory.buffer(label, usage, pitch * rows * pages * bytes);
  }

  /**
   * Uploads weights and compiles pipelines. A `lender`, a program of the same plan that lives as long, shares its weights and activations:
   * they run in turn. With `beside` it compiles in turns with other work, the driver's part included, and `beside` is called in every turn; what
   * it throws ends it. Throws FeatherdetError if the adapter refuses a shader or runs out of memory, and leaves nothing behind on the device then.
   */
  static async create(
    device: Device,
    source: ProgramSource,
    { lender, beside }: { readonly lender?: Program; readonly beside?: () => void } = {},
  ): Promise<Program> {
    const gpu = device.device, memory = new Memory(gpu);
    try {
      const program = await settled(gpu, "this plan", () => new Program(device, source, memory, lender));
      if (beside) await program.#compileBeside(beside);
      const { result: compiling, fault } = watch(gpu, () => compileAll(gpu, source));
      // Other drivers compile now, while weights are packed.
      const ready = device.adapter.software ? program.#begun(await compiling) : compiling;
      ready.catch(() => {});
      const resources = await settled(gpu, "this plan", () => program.#uploadAll());
      const refused = await fault;
      if (refused) throw refused;
      const pipelines = await ready;
      await settled(gpu, "this plan", () => program.#bind(pipelines, resources));
      return program;
    } catch (error) {
      memory.destroy();
      throw await deviceError(gpu, "this plan", error);
    }
  }

  /** Has the driver compile all pipelines, one after the other, so that what others submit is run in between. */
  async #compileBeside(check: () => void): Promise<void> {
    const { device } = this.#device;
    await compileInTurns(device, this.#source, async (pipeline, at) => {
      await settled(device, "a pipeline", () => this.#use(pipeline, at));
      // A lost device may never be done.
      await Promise.race([device.queue.onSubmittedWorkDone(), device.lost]);
      check();
    });
  }

  /** The pipelines, once the driver of a software adapter has begun to compile: it does only when a pipeline is used. */
  async #begun(pipelines: GPUComputePipeline[]): Promise<GPUComputePipeline[]> {
    const { device } = this.#device;
    await settled(device, "this plan", () => {
      for (const [at, pipeline] of pipelines.entries()) {
        if (used.has(pipeline) || pipelines.indexOf(pipeline) < at) continue;
        this.#use(pipeline, at);
      }
    });
    return pipelines;
  }

  /** Uses the pipeline of a dispatch without computing anything, on memory of the extents that weights will have. */
  #use(pipeline: GPUComputePipeline, at: number): void {
    if (!COMPILES_ON_USE) return;
    const { device } = this.#device;
    const { name, kernel } = this.dispatches[at];
    const borrowed = new Memory(device);
    const standIn = (binding: KernelBinding): GPUBindingResource => {
      if (binding.kind === "constant") {
        return { buffer: borrowed.buffer(name, GPUBufferUsage.STORAGE, binding.data.byteLength) };
      }
      if (binding.kind !== "weights" && binding.kind !== "int8 weights") return this.#resource(name, binding);
      return this.#weights.room(name, binding.weights, binding.kind === "int8 weights", borrowed);
    };
    try {
      const size = packParameters(kernel.parameters).byteLength;
      const parameters = { buffer: borrowed.buffer(name, GPUBufferUsage.UNIFORM, size), size };
      const group = this.#group(name, pipeline, [parameters, ...kernel.bindings.map(standIn)]);
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(0, 0, 0);
      pass.end();
      device.queue.submit([encoder.finish()]);
      used.add(pipeline);
    } finally {
      borrowed.destroy();
    }
  }

  /** Uploads parameters, constants and weights; returns what each dispatch binds. */
  #uploadAll(): GPUBindingResource[][] {
    const { dispatches } = this.#source;
    const blocks = dispatches.map(({ kernel }) => packParameters(kernel.parameters));
    const offsets = this.#offsets;
    const total = blocks.reduce((sum, block) => {
      offsets.push(sum);
      return sum + Math.ceil(block.byteLength / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;
    }, 0);
    const uniforms = new Uint8Array(Math.max(16, total));
    blocks.forEach((block, i) => uniforms.set(new Uint8Array(block), offsets[i]));
    const size = uniforms.byteLength;
    const parameters = this.#parameters = this.memory.buffer("parameters", GPUBufferUsage.UNIFORM, size, uniforms);
    return dispatches.map(({ name, kernel }, i) => [
      { buffer: parameters, offset: offsets[i], size: blocks[i].byteLength },
      ...this.#resources(name, kernel.bindings),
    ]);
  }

  #bind(pipelines: readonly GPUComputePipeline[], resources: readonly GPUBindingResource[][]): void {
    this.#dispatches = this.dispatches.map(({ name, kernel }, i): EncodedDispatch => ({
      pipeline: pipelines[i],
      resources: resources[i],
      group: this.#group(name, pipelines[i], resources[i]),
      workgroups: kernel.workgroups,
    }));
  }

  /** The resources of a dispatch. A constant that it binds twice gets a buffer each, since such bindings may be written to. */
  #resources(name: string, bindings: readonly KernelBinding[]): GPUBindingResource[] {
    const bound = new Set<Float32Array>();
    return bindings.map((binding) => {
      if (binding.kind !== "constant") return this.#resource(name, binding);
      const { data } = binding;
      const known = bound.has(data) ? undefined : this.#constants.get(data);
      bound.add(data);
      const buffer = known ?? this.memory.buffer(name, GPUBufferUsage.STORAGE, data.byteLength, data);
      this.#constants.set(data, buffer);
      return { buffer };
    });
  }

  #group(label: string, pipeline: GPUComputePipeline, resources: readonly GPUBindingResource[]): GPUBindGroup {
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    return this.#device.device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
  }

  /** Replaces a resource from outside by another of the same kind, as when a larger picture arrives. */
  replaceExternal(value: string, external: External): void {
    this.#external.set(value, external);
    this.dispatches.forEach(({ name, kernel }, i) => {
      const dispatch = this.#dispatches[i];
      kernel.bindings.forEach((binding, at) => {
        if ("value" in binding && binding.value === value) dispatch.resources[at + 1] = this.#resource(name, binding);
      });
      if (kernel.bindings.some((binding) => "value" in binding && binding.value === value)) {
        dispatch.group = this.#group(name, dispatch.pipeline, dispatch.resources);
      }
    });
  }

  /** Overwrites the parameter block of a dispatch for the runs that are submitted from now on. */
  setParameters(dispatch: number, parameters: Parameters): void {
    this.#device.device.queue.writeBuffer(this.#parameters!, this.#offsets[dispatch], packParameters(parameters));
  }

  #resource(name: string, binding: Exclude<KernelBinding, { kind: "constant" }>): GPUBindingResource {
    if (binding.kind === "scratch") return this.#scratchRange(binding);
    if (binding.kind === "weights" || binding.kind === "int8 weights") {
      return this.#weights.uploaded(name, binding.weights);
    }
    if (binding.kind === "packed") return this.#weights.packed(binding);
    const external = this.#external.get(binding.value);
    if (external?.kind === "buffer") return { buffer: external.buffer, offset: external.offset, size: external.size };
    if (external?.kind === "texture") return external.texture.createView({ dimension: "2d" });
    const { layout, offset, extent } = this.#range(valuesOf(binding));
    if (layout.kind === "plain") return { buffer: this.plain, offset, size: extent };
    const arena = layout.int8 ? this.int8Arena! : this.arena;
    if ("createView" in arena) {
      return arena.createView({ dimension: "2d-array", baseArrayLayer: offset, arrayLayerCount: extent });
    }
    const bytes = pageBytes(this.#source, layout.int8 ? INT8_CELL_BYTES : cellBytes(this.#source.form));
    return { buffer: arena, offset: offset * bytes, size: extent * bytes };
  }

  /** The memory from the first of some values to the last, all of one arena. */
  #range(values: readonly string[]): Placement {
    const places = values.map((value) => placementOf(this.#source, value));
    const offset = Math.min(...places.map((place) => place.offset));
    const end = Math.max(...places.map((place) => place.offset + place.extent));
    return { layout: places[0].layout, offset, extent: end - offset };
  }

  #scratchRange({ name, bytes, offset }: KernelBinding & { readonly kind: "scratch" }): GPUBindingResource {
    if (offset === undefined) throw new FeatherdetError(`the plan gives the scratch memory "${name}" no place`);
    return { buffer: this.scratch!, offset, size: Math.ceil(bytes / 4) * 4 };
  }

  /** Number of dispatches of one run. */
  get dispatchCount(): number {
    return this.#dispatches.length;
  }

  /** Records all dispatches, or those in a range, into a pass. */
  encode(pass: GPUComputePassEncoder, first = 0, end: number = this.#dispatches.length): void {
    let current: GPUComputePipeline | undefined;
    for (const { pipeline, group, workgroups } of this.#dispatches.slice(first, end)) {
      if (pipeline !== current) pass.setPipeline(current = pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    }
  }

  /** Frees everything on the device. */
  destroy(): void {
    this.memory.destroy();
  }
}
