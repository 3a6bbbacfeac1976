/**
 * The bytes that a plan takes on a device, to the last one, before anything is made there.
 *
 * @module
 */

import { bufferBytes } from "../gpu/memory.ts";
import type { KernelBinding, PackedInt8Weights, PackedWeights, StorageForm } from "../kernels/kernel.ts";
import { packParameters } from "../kernels/parameters.ts";
import type { ProgramSource } from "./program.ts";
import { UploadedWeights } from "./uploaded_weights.ts";

/** Parameter blocks begin at multiples of this. */
export const UNIFORM_ALIGNMENT = 256;

/** Bytes of an int8 cell: one word. */
export const INT8_CELL_BYTES = 4;

/** Bytes of a cell of four values. */
export function cellBytes(form: Pick<StorageForm, "scalar">): number {
  return form.scalar === "f16" ? 8 : 16;
}

/** Bytes of a page of row memory. */
export function pageBytes({ pitch, form }: Pick<ProgramSource, "pitch" | "form">, cell: number): number {
  return (pitch << form.pageShift) * cell;
}

type Extent = Pick<PackedWeights, "columns" | "rows" | "layers">;

/** Extents of the texture that holds packed weights. */
export function weightExtent({ columns, rows, layers }: Extent): readonly [number, number, number] {
  // Some drivers compile a shader anew when a texture's extent turns into a power of two, or its layers into one: avoid both.
  const odd = (extent: number) => (extent & (extent - 1)) === 0 ? extent + 1 : extent;
  return [odd(columns), odd(rows), Math.max(2, layers)];
}

/** Bytes of packed weights in a form. */
function weightBytes(form: StorageForm, weights: Extent, cell: number): number {
  const { columns, rows, layers } = weights;
  if (form.storage === "buffer") return bufferBytes(columns * rows * layers * cell);
  const [width, height, depth] = weightExtent(weights);
  return width * height * depth * cell;
}

/** Bytes of a program, by what they are for. */
export interface ProgramBytes {
  /** All arenas, with scratch memory. */
  readonly activations: number;
  /** Weights as kernels read them, and constants. */
  readonly weights: number;
  readonly parameters: number;
  readonly total: number;
}

/** Bytes of the parameter blocks of some dispatches. */
export function parameterBytes({ dispatches }: Pick<ProgramSource, "dispatches">): number {
  const blocks = dispatches.map(({ kernel }) => packParameters(kernel.parameters).byteLength);
  return bufferBytes(blocks.reduce((sum, size) => sum + Math.ceil(size / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT, 0));
}

function activationBytes(source: ProgramSource): number {
  const { form, pages, int8Pages, plainBytes, plainAmongPages = false, scratchBytes } = source;
  const arena = pages * pageBytes(source, cellBytes(form));
  return (form.storage === "buffer" ? bufferBytes(arena) : arena) + int8Pages * pageBytes(source, INT8_CELL_BYTES) +
    (plainAmongPages ? 0 : bufferBytes(plainBytes)) + (scratchBytes > 0 ? bufferBytes(scratchBytes) : 0);
}

/** Counts what dispatches bind, each thing once, as a program does. */
class Bound {
  readonly #form: StorageForm;
  readonly #uploaded = new UploadedWeights<true>();
  readonly #constants = new Set<Float32Array>();
  readonly #named = new Set<string>();
  bytes = 0;

  constructor(form: StorageForm) {
    this.#form = form;
  }

  #addWeights(weights: PackedWeights | PackedInt8Weights): void {
    const numbers = weights.pack();
    if (this.#uploaded.find(weights, numbers)) return;
    this.#uploaded.add(weights, numbers, true);
    const cell = numbers instanceof Uint32Array ? 16 : cellBytes(this.#form);
    this.bytes += weightBytes(this.#form, weights, cell);
  }

  /** Adds the bindings of a dispatch. */
  add(bindings: readonly KernelBinding[]): void {
    const here = new Set<Float32Array>();
    for (const binding of bindings) {
      if (binding.kind === "weights" || binding.kind === "int8 weights") this.#addWeights(binding.weights);
      if (binding.kind === "packed" && !this.#named.has(binding.name)) {
        this.#named.add(binding.name);
        this.bytes += weightBytes(this.#form, binding, cellBytes(this.#form));
      }
      if (binding.kind !== "constant") continue;
      // A constant that one dispatch binds twice has two buffers.
      if (here.has(binding.data) || !this.#constants.has(binding.data)) {
        this.bytes += bufferBytes(binding.data.byteLength);
      }
      here.add(binding.data);
      this.#constants.add(binding.data);
    }
  }
}

/** Bytes of weights by what is bound, for plans of one model that are compared: packing all weights anew takes longest. */
export type WeightMemo = Map<string, number>;

/** What the bytes of weights depend on, for plans of one model. */
function weightKey({ form, dispatches }: ProgramSource): string {
  const bound = dispatches.flatMap(({ name, kernel: { shader, constants, bindings } }) => {
    const extents = bindings.flatMap((binding) => {
      if (binding.kind === "constant") return [binding.data.length];
      if (binding.kind === "packed") return [binding.name, binding.columns, binding.rows, binding.layers];
      if (binding.kind !== "weights" && binding.kind !== "int8 weights") return [];
      const { columns, rows, layers } = binding.weights;
      return [columns, rows, layers];
    });
    return extents.length === 0 ? [] : [[name, shader, constants, extents]];
  });
  return JSON.stringify([form.scalar, form.storage, bound]);
}

function boundBytes({ form, dispatches }: ProgramSource): number {
  const bound = new Bound(form);
  for (const { kernel } of dispatches) bound.add(kernel.bindings);
  return bound.bytes;
}

/**
 * Bytes of the buffers and textures that a program of this source makes; what is handed to it from outside is not among them. A `memo` is
 * for plans of one model.
 */
export function programBytes(source: ProgramSource, memo: WeightMemo = new Map()): ProgramBytes {
  const key = weightKey(source);
  const weights = memo.get(key) ?? boundBytes(source);
  memo.set(key, weights);
  const [activations, parameters] = [activationBytes(source), parameterBytes(source)];
  return { activations, weights, parameters, total: activations + weights + parameters };
}
