/**
 * The weights of a program on its device: uploaded once, however many dispatches read them, or packed there by a dispatch of every run.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import type { Memory } from "../gpu/memory.ts";
import type { KernelBinding, PackedInt8Weights, PackedWeights, StorageForm } from "../kernels/kernel.ts";
import { GREATEST_HALF, HalfRangeError } from "./half_range.ts";
import { cellBytes, weightExtent } from "./program_bytes.ts";
import { cellFormat } from "./program_pipelines.ts";
import { UploadedWeights } from "./uploaded_weights.ts";

/** How much of a resource weights take. */
type Extent = Pick<PackedWeights, "columns" | "rows" | "layers">;

function viewOf(resource: GPUTexture | GPUBuffer): GPUBindingResource {
  return "createView" in resource ? resource.createView({ dimension: "2d-array" }) : { buffer: resource };
}

/** Weights in the form of a plan, in the memory of a program. */
export class ProgramWeights {
  readonly #device: GPUDevice;
  readonly #form: Pick<StorageForm, "storage" | "scalar">;
  readonly #memory: Memory;
  readonly #uploaded: UploadedWeights<GPUBindingResource>;
  readonly #packed: Map<string, GPUTexture | GPUBuffer>;

  /** Weights in `memory`; what a `lender` in the same form has uploaded is used again, and both know what either uploads later. */
  constructor(
    device: Device,
    form: Pick<StorageForm, "storage" | "scalar">,
    memory: Memory,
    lender?: ProgramWeights,
  ) {
    this.#device = device.device;
    this.#form = form;
    this.#memory = memory;
    this.#uploaded = lender === undefined ? new UploadedWeights() : lender.#uploaded;
    this.#packed = new Map(lender === undefined ? [] : lender.#packed);
  }

  /**
   * Uploads the weights of a node, or finds those that were uploaded for another dispatch. Throws HalfRangeError for weights that f16 does not
   * store.
   */
  uploaded(name: string, weights: PackedWeights | PackedInt8Weights): GPUBindingResource {
    const numbers = weights.pack();
    const same = this.#uploaded.find(weights, numbers);
    if (same) return same;
    const resource = this.#upload(name, weights, numbers);
    this.#uploaded.add(weights, numbers, resource);
    return resource;
  }

  /** Memory for weights that a dispatch packs; that of one name is one. */
  packed(binding: KernelBinding & { readonly kind: "packed" }): GPUBindingResource {
    const known = this.#packed.get(binding.name) ?? this.#make(binding.name, binding, false, this.#memory);
    this.#packed.set(binding.name, known);
    return viewOf(known);
  }

  /** Memory of as many weights, of whole words or floats, with anything in it. */
  room(name: string, extent: Extent, words: boolean, memory: Memory): GPUBindingResource {
    return viewOf(this.#make(name, extent, words, memory));
  }

  #make(name: string, extent: Extent, words: boolean, memory: Memory): GPUTexture | GPUBuffer {
    const [format, bytes] = this.#cells(words);
    if (this.#form.storage === "buffer") {
      const { columns, rows, layers } = extent;
      return memory.buffer(name, GPUBufferUsage.STORAGE, columns * rows * layers * bytes);
    }
    const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST;
    return memory.texture(name, usage, format, weightExtent(extent), bytes);
  }

  /** Format and bytes of a cell. */
  #cells(words: boolean): readonly [GPUTextureFormat, number] {
    return words ? ["rgba32uint", 16] : [cellFormat(this.#form), cellBytes(this.#form)];
  }

  #upload(name: string, extent: Extent, numbers: Float32Array | Uint32Array): GPUBindingResource {
    const { scalar, storage } = this.#form;
    const words = numbers instanceof Uint32Array;
    if (scalar === "f16" && !words && numbers.some((number) => Math.abs(number) > GREATEST_HALF)) {
      throw new HalfRangeError(`has weights beyond ${GREATEST_HALF}, the greatest number that f16 stores`, {
        node: name,
      });
    }
    const data = scalar === "f16" && !words ? new Float16Array(numbers) : numbers;
    if (storage === "buffer") {
      return { buffer: this.#memory.buffer(name, GPUBufferUsage.STORAGE, data.byteLength, data) };
    }
    const texture = this.#make(name, extent, words, this.#memory) as GPUTexture;
    const { columns, rows, layers } = extent, [, bytes] = this.#cells(words);
    this.#device.queue.writeTexture(
      { texture },
      data as unknown as ArrayBuffer,
      { bytesPerRow: columns * bytes, rowsPerImage: rows },
      [columns, rows, layers],
    );
    return viewOf(texture);
  }
}
