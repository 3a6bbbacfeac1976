/**
 * Brings results back: a pool of mappable buffers, so that several frames can be on their way at once.
 *
 * @module
 */

import type { Memory } from "./memory.ts";

/** A piece of a buffer that is to be read. */
export interface ReadRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Mappable buffers of one size, reused. */
export class ReadbackPool {
  readonly #memory: Memory;
  readonly #size: number;
  readonly #free: GPUBuffer[] = [];

  /** Buffers of `size` bytes, owned by `memory`. */
  constructor(memory: Memory, size: number) {
    this.#memory = memory;
    this.#size = size;
  }

  /** Records the copies one behind the other; the function returned waits for them and gives a copy of the bytes. */
  record(encoder: GPUCommandEncoder, ranges: readonly ReadRange[]): () => Promise<ArrayBuffer> {
    const staging = this.#free.pop() ??
      this.#memory.buffer("readback", GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, this.#size);
    let at = 0;
    for (const { buffer, offset, size } of ranges) {
      encoder.copyBufferToBuffer(buffer, offset, staging, at, size);
      at += size;
    }
    return async () => {
      await staging.mapAsync(GPUMapMode.READ, 0, at);
      const bytes = staging.getMappedRange(0, at).slice(0);
      staging.unmap();
      this.#free.push(staging);
      return bytes;
    };
  }
}
