/**
 * Storage buffers known by name, that the host writes and reads whole.
 *
 * @module
 */

import type { Memory } from "./memory.ts";
import { type ReadRange, readRanges } from "./readback.ts";

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

  /** What buffers hold, once all that was submitted before has run. Throws FeatherdetError if the device does not give it. */
  async read(names: readonly string[]): Promise<Map<string, Float32Array>> {
    const ranges = names.map((name): ReadRange => ({
      buffer: this.get(name),
      offset: 0,
      size: this.#sizes.get(name)!,
    }));
    const more = names.length > 1 ? ` and ${names.length - 1} more` : "";
    const bytes = await readRanges(this.#memory, ranges, `"${names[0]}"${more}`);
    let at = 0;
    return new Map(names.map((name, i) => [name, new Float32Array(bytes.slice(at, at += ranges[i].size))]));
  }
}
