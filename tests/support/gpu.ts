/**
 * Runs kernels alone, without planner or session, by the Program that the engine runs plans with: every value has pages of its own in the
 * arena, between pages that nobody may write.
 *
 * @module
 */

import { cellBytes, type External, Program } from "../../src/engine/program.ts";
import { createReadable, readMapped } from "../../src/gpu/mapping.ts";
import { adoptDevice } from "../../src/gpu/device.ts";
import type { BlockedLayout, Kernel, Layout, StorageForm } from "../../src/kernels/kernel.ts";
import type { Placement } from "../../src/plan/plan.ts";
import { placeScratch } from "../../src/plan/scratch.ts";
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

/** Bytes of an int8 cell, and at what multiples plain values begin. */
const INT8_CELL_BYTES = 4, ALIGNMENT = 256;

/** Where a tensor lies: in the arena of its cells, or in plain memory. */
interface Placed extends Placement {
  readonly tensor: TestTensor;
  /** Int8 cells lie in an arena of their own. */
  readonly int8: boolean;
}

/** Gives every tensor its place, and says how much memory that takes; a page before each of them belongs to nobody. */
function place(tensors: readonly TestTensor[], form: StorageForm, pitch: number) {
  /** Pages at whose multiples ranges may be bound: those of a test's odd pitch are not aligned one by one. */
  const unit = (bytes: number) => {
    let pages = 1;
    while (form.storage === "buffer" && pages * (pitch << form.pageShift) * bytes % ALIGNMENT !== 0) pages *= 2;
    return pages;
  };
  const units = { float: unit(cellBytes(form)), int8: unit(INT8_CELL_BYTES) };
  const pages = { float: 0, int8: 0 };
  let plainBytes = 0;
  const placed = tensors.map((tensor): Placed => {
    const { layout } = tensor;
    if (layout.kind === "plain") {
      const extent = Math.max(16, 4 * layout.shape.reduce((a, b) => a * b, 1));
      const offset = plainBytes;
      plainBytes += Math.ceil((extent + 4) / ALIGNMENT) * ALIGNMENT;
      return { tensor, layout, offset, extent, int8: false };
    }
    const kind = layout.int8 ? "int8" : "float", offset = Math.ceil((pages[kind] + 1) / units[kind]) * units[kind];
    const extent = arenaRows(layout, form.pageShift) >> form.pageShift;
    pages[kind] = offset + extent;
    return { tensor, layout, offset, extent, int8: kind === "int8" };
  });
  return { placed, pages: pages.float + 1, int8Pages: pages.int8 === 0 ? 0 : pages.int8 + 1, plainBytes };
}

const toHalf = (data: Float32Array) => new Float16Array(data) as unknown as BufferSource;

/** An arena with what reads and writes ranges of its pages. */
class Arena {
  readonly #device: GPUDevice;
  readonly #memory: GPUTexture | GPUBuffer;
  /** Cells in a page, and bytes of a cell. */
  readonly #extent: readonly [pitch: number, rows: number];
  readonly #bytes: number;

  constructor(device: GPUDevice, memory: GPUTexture | GPUBuffer, extent: readonly [number, number], bytes: number) {
    [this.#device, this.#memory, this.#extent, this.#bytes] = [device, memory, extent, bytes];
  }

  /** Writes pages, from a page on. */
  write(page: number, pages: number, data: BufferSource): void {
    const [pitch, rows] = this.#extent, memory = this.#memory, { queue } = this.#device;
    if (!("createView" in memory)) {
      queue.writeBuffer(memory, page * pitch * rows * this.#bytes, data as ArrayBuffer);
      return;
    }
    const layout = { bytesPerRow: pitch * this.#bytes, rowsPerImage: rows };
    queue.writeTexture({ texture: memory, origin: [0, 0, page] }, data as ArrayBuffer, layout, [pitch, rows, pages]);
  }

  /** Records the copy of pages; the function returned waits for their bytes, without those that pad rows. */
  read(encoder: GPUCommandEncoder, page: number, pages: number): () => Promise<ArrayBuffer> {
    const [pitch, rows] = this.#extent, memory = this.#memory;
    const rowBytes = pitch * this.#bytes, stride = "createView" in memory ? Math.ceil(rowBytes / 256) * 256 : rowBytes;
    const size = stride * rows * pages;
    const staging = createReadable(this.#device, "readback", size);
    if ("createView" in memory) {
      const to = { buffer: staging, bytesPerRow: stride, rowsPerImage: rows };
      encoder.copyTextureToBuffer({ texture: memory, origin: [0, 0, page] }, to, [pitch, rows, pages]);
    } else encoder.copyBufferToBuffer(memory, page * rows * rowBytes, staging, 0, size);
    return async () => {
      const bytes = new Uint8Array(await readMapped(staging, size)), packed = new Uint8Array(rowBytes * rows * pages);
      for (let row = 0; row < rows * pages; row++) {
        packed.set(bytes.subarray(row * stride, row * stride + rowBytes), row * rowBytes);
      }
      staging.destroy();
      return packed.buffer;
    };
  }
}

/** Numbers of cells as they lie in memory. */
function storedCells(numbers: Float32Array, int8: boolean, half: boolean): BufferSource {
  if (int8) return Int8Array.from(numbers) as BufferSource;
  return half ? toHalf(numbers) : numbers as BufferSource;
}

function numbersOf(bytes: ArrayBuffer, int8: boolean, half: boolean): Float32Array {
  if (int8) return Float32Array.from(new Int8Array(bytes));
  return half ? Float32Array.from(new Float16Array(bytes)) : new Float32Array(bytes);
}

function pictureTexture(device: GPUDevice, { width, height, pixels }: TestPicture): GPUTexture {
  const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
  const texture = device.createTexture({ size: [width, height], format: "rgba8unorm", usage });
  device.queue.writeTexture({ texture }, pixels, { bytesPerRow: 4 * width }, [width, height]);
  return texture;
}

function blockedResult(name: string, layout: BlockedLayout, cells: Float32Array, pitch: number): Float32Array {
  const { data, spareFinite, outsideKept } = unpackBlocked(layout, cells, pitch, layout.int8 ? OUTSIDE_BYTE : OUTSIDE);
  if (!spareFinite) throw new Error(`a spare channel of "${name}" is not finite`);
  if (!outsideKept) throw new Error(`a cell outside "${name}" was written`);
  return data;
}

/** The cells of a tensor before the kernels run: NaN around those that are given, a number to recognise in those that are not. */
function cellsOf({ data }: TestTensor, layout: BlockedLayout, pitch: number, form: StorageForm): Float32Array {
  const filling = layout.int8
    ? { spare: SPARE_BYTE, outside: OUTSIDE_BYTE }
    : { spare: SPARE, outside: data ? NaN : OUTSIDE };
  return packBlocked(layout, data, pitch, form.pageShift, filling);
}

/**
 * Runs the kernels in order and reads back every tensor that came without data.
 *
 * Cells around a tensor hold what would spoil a result; throws if a kernel wrote one, left a spare channel that is no
 * number, or if the device refuses a shader or dispatch.
 */
export async function runKernels(
  kernels: readonly Kernel[],
  tensors: readonly TestTensor[],
  form: StorageForm,
  pitch: number,
  pictures: readonly TestPicture[] = [],
): Promise<Map<string, Float32Array>> {
  const device = await testDevice(), half = form.scalar === "f16";
  const { placed, ...memory } = place(tensors, form, pitch);
  const textures = pictures.map((picture) => [picture.name, pictureTexture(device, picture)] as const);
  const external = new Map(textures.map(([name, texture]): [string, External] => [name, { kind: "texture", texture }]));
  const steps = kernels.map((kernel) => ({ name: kernel.label, operator: "", kernel, macs: 0 }));
  const program = await Program.create(await adoptDevice(device), {
    ...{ form, pitch, external, ...memory, ...placeScratch([steps]) },
    placements: new Map(placed.map((one) => [one.tensor.name, one])),
  });
  try {
    const extent = [pitch, 1 << form.pageShift] as const, cells = pitch << form.pageShift + 2;
    const arenas = {
      float: new Arena(device, program.arena, extent, cellBytes(form)),
      int8: program.int8Arena && new Arena(device, program.int8Arena, extent, INT8_CELL_BYTES),
    };
    const arenaOf = (int8: boolean) => int8 ? arenas.int8! : arenas.float;
    const guard = (int8: boolean) => new Float32Array(cells).fill(int8 ? OUTSIDE_BYTE : OUTSIDE);
    const guards = [
      ...placed.filter(({ layout }) => layout.kind === "blocked").map(({ offset, int8 }) => ({
        page: offset - 1,
        int8,
      })),
    ];
    for (const { page, int8 } of guards) arenaOf(int8).write(page, 1, storedCells(guard(int8), int8, half));
    if (memory.plainBytes > 0) {
      device.queue.writeBuffer(program.plain, 0, new Float32Array(memory.plainBytes / 4).fill(OUTSIDE));
    }
    if (program.scratch) {
      device.queue.writeBuffer(program.scratch, 0, new Float32Array(program.scratch.size / 4).fill(NaN));
    }
    for (const { tensor, layout, offset, extent: size, int8 } of placed) {
      if (layout.kind === "plain") {
        if (tensor.data) device.queue.writeBuffer(program.plain, offset, tensor.data as BufferSource);
      } else arenaOf(int8).write(offset, size, storedCells(cellsOf(tensor, layout, pitch, form), int8, half));
    }
    device.pushErrorScope("validation");
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    program.encode(pass);
    pass.end();
    const plain = new Arena(device, program.plain, [Math.max(1, memory.plainBytes / 4), 1], 4);
    const readPlain = memory.plainBytes > 0 ? plain.read(encoder, 0, 1) : undefined;
    const wanted = placed.filter(({ tensor }) => tensor.data === undefined);
    const readers = wanted.map(({ layout, offset, extent: size, int8 }) =>
      layout.kind === "blocked" ? arenaOf(int8).read(encoder, offset, size) : undefined
    );
    const readGuards = guards.map(({ page, int8 }) => arenaOf(int8).read(encoder, page, 1));
    device.queue.submit([encoder.finish()]);
    const error = await device.popErrorScope();
    if (error) throw new Error(`${kernels.map(({ label }) => label).join(", ")}: ${error.message}`);
    const [plainBytes, read, kept] = await Promise.all([
      readPlain?.(),
      Promise.all(readers.map((reader) => reader?.())),
      Promise.all(readGuards.map((reader) => reader())),
    ]);
    guards.forEach(({ int8 }, i) => {
      const outside = int8 ? OUTSIDE_BYTE : OUTSIDE;
      if (numbersOf(kept[i], int8, half).every((value) => value === outside)) return;
      throw new Error(`${kernels.map(({ label }) => label).join(", ")}: a page before a tensor was written`);
    });
    return new Map(wanted.map(({ tensor: { name }, layout, offset, int8 }, i) => {
      if (layout.kind === "blocked") return [name, blockedResult(name, layout, numbersOf(read[i]!, int8, half), pitch)];
      const elements = layout.shape.reduce((a, b) => a * b, 1);
      const numbers = new Float32Array(plainBytes!, offset, elements + 1);
      if (numbers[elements] !== OUTSIDE) throw new Error(`an element behind "${name}" was written`);
      return [name, numbers.slice(0, elements)];
    }));
  } finally {
    program.destroy();
    for (const [, texture] of textures) texture.destroy();
  }
}
