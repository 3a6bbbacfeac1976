/**
 * Owns GPU buffers and textures: every resource of the engine is made here, counted, and destroyed together with its owner.
 *
 * @module
 */

import { createReadable } from "./mapping.ts";

let live = 0;

/** Bytes that a buffer of a size takes. */
export function bufferBytes(size: number): number {
  return Math.max(16, Math.ceil(size / 4) * 4);
}

/** Buffers and textures that exist now, over all devices; a leak shows here. */
export function liveResources(): number {
  return live;
}

/** The owner of a set of resources. */
export class Memory {
  readonly device: GPUDevice;
  readonly #owned = new Map<GPUBuffer | GPUTexture, number>();
  #bytes = 0;

  /** Opens an empty set on a device. */
  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** Bytes of all resources made and not yet destroyed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A buffer of at least `size` bytes, filled with `data` where given. */
  buffer(label: string, usage: number, size: number, data?: ArrayBufferLike | ArrayBufferView): GPUBuffer {
    const bytes = bufferBytes(size);
    const buffer = this.device.createBuffer({
      label,
      size: bytes,
      usage: data ? usage | GPUBufferUsage.COPY_DST : usage,
    });
    if (data) this.device.queue.writeBuffer(buffer, 0, data as ArrayBuffer);
    return this.#own(buffer, bytes);
  }

  /** A buffer of at least `size` bytes that results are copied to and read from. */
  readable(label: string, size: number): GPUBuffer {
    const bytes = bufferBytes(size);
    return this.#own(createReadable(this.device, label, bytes), bytes);
  }

  /** A texture array of `[width, height, layers]` cells of `cellBytes`. */
  texture(
    label: string,
    usage: number,
    format: GPUTextureFormat,
    size: readonly [number, number, number],
    cellBytes: number,
  ): GPUTexture {
    const texture = this.device.createTexture({ label, usage, format, size: [...size], dimension: "2d" });
    return this.#own(texture, size[0] * size[1] * size[2] * cellBytes);
  }

  #own<T extends GPUBuffer | GPUTexture>(resource: T, bytes: number): T {
    this.#owned.set(resource, bytes);
    this.#bytes += bytes;
    live++;
    return resource;
  }

  /** Destroys one resource before the others. */
  release(resource: GPUBuffer | GPUTexture): void {
    const bytes = this.#owned.get(resource);
    if (bytes === undefined) return;
    this.#owned.delete(resource);
    this.#bytes -= bytes;
    live--;
    resource.destroy();
  }

  /** Destroys everything; may be called twice. */
  destroy(): void {
    live -= this.#owned.size;
    for (const resource of this.#owned.keys()) resource.destroy();
    this.#owned.clear();
    this.#bytes = 0;
  }
}
