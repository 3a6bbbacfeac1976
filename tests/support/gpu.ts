/**
 * Runs kernels alone, without planner or session: every value in a texture or buffer of its own.
 *
 * @module
 */

import { linkKernel } from "../../src/kernels/link.ts";
import { checkParameters, packParameters, uniformLeaves } from "../../src/kernels/parameters.ts";
import type { BlockedLayout, Kernel, KernelBinding, Layout, StorageForm } from "../../src/kernels/kernel.ts";
import { arenaRows, packBlocked, unpackBlocked } from "./blocked.ts";

/** A value that kernels read or write. */
export interface TestTensor {
  readonly name: string;
  readonly layout: Layout;
  /** Row-major elements, of int8 cells the bytes as they are stored; a tensor without them is read back. */
  readonly data?: Float32Array;
}

/** A picture that kernels read: an `rgba8unorm` texture. */
export interface TestPicture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel, row by row. */
  readonly pixels: Uint32Array<ArrayBuffer>;
}

/** Stands around tensors and in results before they are written: exact in f16, and nothing computes it by chance. */
const OUTSIDE = -1792;
/** Stands in the spare channels of inputs: a number without logarithm or root. */
const SPARE = -3.5;
/** The same in int8 cells. */
const OUTSIDE_BYTE = 93;
const SPARE_BYTE = -77;

const adapter = await navigator.gpu?.requestAdapter() ?? undefined;
let shared: Promise<GPUDevice> | undefined;

/** The device that all tests of a process share. */
export function testDevice(): Promise<GPUDevice> {
  if (!adapter) throw new Error("no WebGPU adapter");
  const { maxTextureArrayLayers } = adapter.limits;
  return shared ??= adapter.requestDevice({ requiredLimits: { maxTextureArrayLayers } });
}

/** Runs one named part of a test. */
export type Step = (name: string, run: () => Promise<unknown>) => Promise<unknown>;

/** A test that needs an adapter; ignored, saying so, where there is none. */
export function gpuTest(name: string, run: (device: GPUDevice, step: Step) => Promise<unknown>): void {
  if (!adapter) {
    Deno.test({ name: `${name} (no WebGPU adapter)`, ignore: true, fn: () => {} });
    return;
  }
  // The device and its pipelines outlive the test that asks for them first.
  const sanitize = { sanitizeResources: false, sanitizeOps: false };
  Deno.test({
    name,
    ...sanitize,
    fn: async (t) => {
      await run(await testDevice(), (name, work) => {
        const fn = async () => {
          await work();
        };
        return t.step({ name, ...sanitize, fn });
      });
    },
  });
}

const pipelines = new Map<string, GPUComputePipeline>();

/** What the cells of a tensor or of weights are. */
type Cells = "float" | "int8" | "words";

function formatOf(cells: Cells, form: StorageForm): GPUTextureFormat {
  if (cells === "float") return form.scalar === "f16" ? "rgba16float" : "rgba32float";
  return cells === "int8" ? "r32uint" : "rgba32uint";
}

function layoutEntry(binding: KernelBinding, tensors: Map<string, Placed>, form: StorageForm) {
  const tensor = "value" in binding ? tensors.get(binding.value)! : undefined;
  if (tensor?.kind === "picture") {
    return { texture: { sampleType: "unfilterable-float", viewDimension: "2d" } } as const;
  }
  const weights = binding.kind === "weights" || binding.kind === "int8 weights" || binding.kind === "packed";
  const writes = binding.kind === "write" || binding.kind === "packed" && binding.access === "write";
  if (!weights && tensor?.kind !== "blocked" || form.storage === "buffer") {
    return { buffer: { type: weights && !writes ? "read-only-storage" : "storage" } } as const;
  }
  const cells = tensor?.cells ?? (binding.kind === "int8 weights" ? "words" : "float");
  return {
    storageTexture: {
      access: writes ? "write-only" : "read-only",
      format: formatOf(cells, form),
      viewDimension: "2d-array",
    },
  } as const;
}

interface Placed {
  readonly kind: Layout["kind"] | "picture";
  readonly cells?: Cells;
  readonly memory: GPUTexture | GPUBuffer;
}

const toHalf = (data: Float32Array) => new Float16Array(data) as unknown as BufferSource;

const cellBytes = (cells: Cells, half: boolean) => cells === "int8" ? 4 : half ? 8 : 16;

/** The owner of what one run allocates. */
class Memory {
  readonly #device: GPUDevice;
  readonly #form: StorageForm;
  readonly #all: (GPUTexture | GPUBuffer)[] = [];

  constructor(device: GPUDevice, form: StorageForm) {
    this.#device = device;
    this.#form = form;
  }

  buffer(data: BufferSource, usage: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(data.byteLength / 4) * 4);
    const buffer = this.#device.createBuffer({
      size,
      usage: usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    this.#device.queue.writeBuffer(buffer, 0, data as ArrayBuffer);
    this.#all.push(buffer);
    return buffer;
  }

  /** Cells as a texture array or a buffer; the texture may be larger than what is filled. */
  cells(
    kind: Cells,
    data: Float32Array | Uint32Array | Int8Array,
    [columns, rows, layers]: readonly [number, number, number],
    extent: readonly [number, number, number] = [columns, rows, layers],
  ): GPUTexture | GPUBuffer {
    const half = this.#form.scalar === "f16" && kind === "float";
    const bytes = half ? toHalf(data as Float32Array) : data as BufferSource;
    if (this.#form.storage === "buffer") return this.buffer(bytes, GPUBufferUsage.STORAGE);
    const texture = this.#device.createTexture({
      size: [...extent],
      format: formatOf(kind, this.#form),
      usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST |
        GPUTextureUsage.COPY_SRC,
    });
    const bytesPerRow = columns * cellBytes(kind, half);
    this.#device.queue.writeTexture({ texture }, bytes as ArrayBuffer, { bytesPerRow, rowsPerImage: rows }, [
      columns,
      rows,
      layers,
    ]);
    this.#all.push(texture);
    return texture;
  }

  picture({ width, height, pixels }: TestPicture): GPUTexture {
    const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
    const texture = this.#device.createTexture({ size: [width, height], format: "rgba8unorm", usage });
    this.#device.queue.writeTexture({ texture }, pixels, { bytesPerRow: 4 * width }, [width, height]);
    this.#all.push(texture);
    return texture;
  }

  destroy(): void {
    for (const one of this.#all) one.destroy();
  }
}

function pipelineOf(device: GPUDevice, kernel: Kernel, placed: Map<string, Placed>, form: StorageForm) {
  const code = linkKernel(kernel, form, (value) => placed.get(value)?.cells === "int8");
  checkParameters(kernel, uniformLeaves(code));
  const entries = [
    { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform" } } as const,
    ...kernel.bindings.map((binding, i) => ({
      binding: i + 1,
      visibility: GPUShaderStage.COMPUTE,
      ...layoutEntry(binding, placed, form),
    })),
  ];
  const key = JSON.stringify(entries) + code;
  const known = pipelines.get(key);
  if (known) return known;
  const pipeline = device.createComputePipeline({
    label: kernel.label,
    layout: device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] }),
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  pipelines.set(key, pipeline);
  return pipeline;
}

/** Number of pipelines compiled so far in this process. */
export function pipelineCount(): number {
  return pipelines.size;
}

function resourceOf({ memory, kind }: Pick<Placed, "memory"> & Partial<Placed>): GPUBindingResource {
  if (!("createView" in memory)) return { buffer: memory };
  return memory.createView({ dimension: kind === "picture" ? "2d" : "2d-array" });
}

/** Bytes of a texture or buffer, on their way back. */
function readBack(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  { memory, cells = "float" }: Placed,
  half: boolean,
) {
  const texture = "createView" in memory;
  const rowBytes = texture ? memory.width * cellBytes(cells, half) : 0;
  const bytesPerRow = Math.ceil(rowBytes / 256) * 256;
  const size = texture ? bytesPerRow * memory.height * memory.depthOrArrayLayers : memory.size;
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  if (texture) {
    const extent = [memory.width, memory.height, memory.depthOrArrayLayers];
    encoder.copyTextureToBuffer(
      { texture: memory },
      { buffer: staging, bytesPerRow, rowsPerImage: memory.height },
      extent,
    );
  } else encoder.copyBufferToBuffer(memory, 0, staging, 0, size);
  return async (): Promise<Float32Array> => {
    await staging.mapAsync(GPUMapMode.READ);
    const mapped = staging.getMappedRange();
    const decode = (at: number, bytes: number) => {
      const slice = mapped.slice(at, at + bytes);
      if (cells === "int8") return Float32Array.from(new Int8Array(slice));
      return half ? Float32Array.from(new Float16Array(slice)) : new Float32Array(slice);
    };
    let numbers: Float32Array;
    if (texture) {
      const perRow = rowBytes / (cells === "int8" ? 1 : half ? 2 : 4);
      const rows = memory.height * memory.depthOrArrayLayers;
      numbers = new Float32Array(perRow * rows);
      for (let y = 0; y < rows; y++) numbers.set(decode(y * bytesPerRow, rowBytes), y * perRow);
    } else numbers = decode(0, size);
    staging.destroy();
    return numbers;
  };
}

function blockedResult(name: string, layout: BlockedLayout, cells: Float32Array, pitch: number): Float32Array {
  const { data, spareFinite, outsideKept } = unpackBlocked(layout, cells, pitch, layout.int8 ? OUTSIDE_BYTE : OUTSIDE);
  if (!spareFinite) throw new Error(`a spare channel of "${name}" is not finite`);
  if (!outsideKept) throw new Error(`a cell outside "${name}" was written`);
  return data;
}

/**
 * Runs the kernels in order and reads back every tensor that came without data.
 *
 * Cells around a tensor hold what would spoil a result; throws where a kernel wrote one, left a spare channel that is no
 * number, or where the device refuses a shader or dispatch.
 */
export async function runKernels(
  kernels: readonly Kernel[],
  tensors: readonly TestTensor[],
  form: StorageForm,
  pitch: number,
  pictures: readonly TestPicture[] = [],
): Promise<Map<string, Float32Array>> {
  const device = await testDevice();
  const memory = new Memory(device, form);
  const half = form.scalar === "f16";
  device.pushErrorScope("validation");
  const placed = new Map<string, Placed>();
  for (const { name, layout, data } of tensors) {
    if (layout.kind === "plain") {
      const size = layout.shape.reduce((a, b) => a * b, 1);
      const initial = data ?? new Float32Array(size).fill(OUTSIDE);
      placed.set(name, { kind: "plain", memory: memory.buffer(initial as BufferSource, GPUBufferUsage.STORAGE) });
    } else {
      const kind = layout.int8 ? "int8" : "float";
      const filling = layout.int8
        ? { spare: SPARE_BYTE, outside: OUTSIDE_BYTE }
        : { spare: SPARE, outside: data ? NaN : OUTSIDE };
      const numbers = packBlocked(layout, data, pitch, form.pageShift, filling);
      const cells = layout.int8 ? Int8Array.from(numbers) : numbers;
      const pages = arenaRows(layout, form.pageShift) >> form.pageShift;
      const extent = [pitch, 1 << form.pageShift, pages] as const;
      placed.set(name, { kind: "blocked", cells: kind, memory: memory.cells(kind, cells, extent) });
    }
  }
  for (const one of pictures) placed.set(one.name, { kind: "picture", memory: memory.picture(one) });
  const scratch = new Map<string, GPUBuffer>();
  for (const binding of kernels.flatMap(({ bindings }) => bindings)) {
    if (binding.kind !== "scratch" || (scratch.get(binding.name)?.size ?? 0) >= binding.bytes) continue;
    const spoilt = new Float32Array(Math.ceil(binding.bytes / 4)).fill(NaN);
    scratch.set(binding.name, memory.buffer(spoilt, GPUBufferUsage.STORAGE));
  }
  const packed = new Map<string, GPUTexture | GPUBuffer>();
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const kernel of kernels) {
    const pipeline = pipelineOf(device, kernel, placed, form);
    const resources: GPUBindingResource[] = [
      { buffer: memory.buffer(packParameters(kernel.parameters), GPUBufferUsage.UNIFORM) },
      ...kernel.bindings.map((binding) => {
        if ("value" in binding) return resourceOf(placed.get(binding.value)!);
        if (binding.kind === "constant") {
          return { buffer: memory.buffer(binding.data as BufferSource, GPUBufferUsage.STORAGE) };
        }
        if (binding.kind === "scratch") return { buffer: scratch.get(binding.name)! };
        if (binding.kind === "packed") {
          const { name, columns, rows, layers } = binding;
          if (!packed.has(name)) {
            packed.set(
              name,
              memory.cells("float", new Float32Array(4 * columns * rows * layers), [columns, rows, layers]),
            );
          }
          return resourceOf({ memory: packed.get(name)! });
        }
        const { columns, rows, layers, pack } = binding.weights;
        // Mesa's software driver compiles a pipeline anew for extents that are powers of two and for single layers.
        const odd = (extent: number) => extent + Number((extent & (extent - 1)) === 0);
        const extent = [odd(columns), odd(rows), Math.max(2, layers)] as const;
        const kind = binding.kind === "weights" ? "float" : "words";
        return resourceOf({ memory: memory.cells(kind, pack(), [columns, rows, layers], extent) });
      }),
    ];
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...kernel.workgroups);
  }
  pass.end();
  const wanted = tensors.filter(({ data }) => data === undefined);
  const readers = wanted.map(({ name, layout }) =>
    readBack(device, encoder, placed.get(name)!, half && layout.kind === "blocked" && !layout.int8)
  );
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) {
    memory.destroy();
    pipelines.clear();
    throw new Error(`${kernels.map(({ label }) => label).join(", ")}: ${error.message}`);
  }
  const read = await Promise.all(readers.map((reader) => reader()));
  memory.destroy();
  return new Map(wanted.map(({ name, layout }, i) => {
    if (layout.kind === "blocked") return [name, blockedResult(name, layout, read[i], pitch)];
    return [name, read[i].slice(0, layout.shape.reduce((a, b) => a * b, 1))];
  }));
}
