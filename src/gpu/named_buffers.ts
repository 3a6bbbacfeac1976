/**
 * Storage buffers known by name, that the host writes and reads whole.
 *
 * @module
 */

import type { Memory } from "./memory.ts";

/** Buffers of f32 by name, owned by a `Memory`. */
export class NamedBuffers {
  readonly #memory: Memory;
  readonly #buffers: ReadonlyMap<string, GPUBuffer>;
  readonly #sizes: ReadonlyMap<string, number>;

  /** Buffers of the given bytes, zero at first. */
  constructor(memory: Memory, sizes: ReadonlyMap<string, number>) {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    this.#memory = memory;
    this.#sizes = sizes;
    this.#buffers = new Map([...sizes].map(([name, size]) => [name, memory.buffer(name, usage, size)]));
  }

  /** The buffer of a name. */
  get(name: string): GPUBuffer {
    return this.#buffers.get(name)!;
  }

  /** Elements of a buffer. */
  length(name: string): number {
    return this.#sizes.get(name)! / 4;
  }

  /** Name and buffer of each. */
  entries(): IterableIterator<[string, GPUBuffer]> {
    return this.#buffers.entries();
  }

  /** Overwrites a buffer from its beginning. */
  write(name: string, data: Float32Array): void {
    if (data.length > 0) this.#memory.device.queue.writeBuffer(this.get(name), 0, data as BufferSource);
  }

  /** What buffers hold, once all that was submitted before has run. */
  async read(names: readonly string[]): Promise<Map<string, Float32Array>> {
    const { device } = this.#memory;
    const total = names.reduce((sum, name) => sum + this.#sizes.get(name)!, 0);
    const staging = device.createBuffer({ size: total, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    try {
      const encoder = device.createCommandEncoder();
      let at = 0;
      for (const name of names) {
        const size = this.#sizes.get(name)!;
        encoder.copyBufferToBuffer(this.get(name), 0, staging, at, size);
        at += size;
      }
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const all = new Float32Array(staging.getMappedRange().slice(0));
      let first = 0;
      return new Map(names.map((name) => [name, all.slice(first, first += this.length(name))]));
    } finally {
      staging.destroy();
    }
  }
}
