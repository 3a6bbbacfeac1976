/**
 * GPU time by timestamp query.
 *
 * @module
 */

import type { ReadRange } from "./readback.ts";

/** Writes a pair of timestamps for each pass and reads the durations back. */
export class PassTimer {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;
  readonly #passes: number;

  /** Room for `passes` passes; the device must have the feature `timestamp-query`. */
  constructor(device: GPUDevice, passes: number) {
    this.#device = device;
    this.#passes = passes;
    const size = 16 * passes;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * passes });
    this.#resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** What pass number `index` is begun with. */
  descriptor(index: number): GPUComputePassDescriptor {
    return {
      timestampWrites: {
        querySet: this.#queries,
        beginningOfPassWriteIndex: 2 * index,
        endOfPassWriteIndex: 2 * index + 1,
      },
    };
  }

  /** Ends the recording for `read`; call before the encoder is finished. */
  resolve(encoder: GPUCommandEncoder): void {
    const { buffer, offset, size } = this.resolved(encoder);
    encoder.copyBufferToBuffer(buffer, offset, this.#staging, 0, size);
  }

  /** Ends the recording where the caller reads the stamps with other results; `durations` makes times of their bytes. */
  resolved(encoder: GPUCommandEncoder): ReadRange {
    encoder.resolveQuerySet(this.#queries, 0, 2 * this.#passes, this.#resolved, 0);
    return { buffer: this.#resolved, offset: 0, size: 16 * this.#passes };
  }

  /** Milliseconds of each pass from the bytes of `resolved`. */
  static durations(bytes: ArrayBuffer, offset: number, passes: number): number[] {
    const stamps = new BigUint64Array(bytes, offset, 2 * passes);
    return Array.from({ length: passes }, (_, i) => Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6);
  }

  /** Milliseconds of each pass, once the commands have run. */
  async read(): Promise<number[]> {
    await this.#staging.mapAsync(GPUMapMode.READ);
    const times = PassTimer.durations(this.#staging.getMappedRange(), 0, this.#passes);
    this.#staging.unmap();
    return times;
  }

  /** Frees the queries. */
  destroy(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }

  /** Times each dispatch of something that can be encoded in ranges, every dispatch in a compute pass of its own. */
  static async timeDispatches(
    device: GPUDevice,
    program: { readonly dispatchCount: number; encode(pass: GPUComputePassEncoder, first: number, end: number): void },
  ): Promise<number[]> {
    const timer = new PassTimer(device, program.dispatchCount);
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < program.dispatchCount; i++) {
      const pass = encoder.beginComputePass(timer.descriptor(i));
      program.encode(pass, i, i + 1);
      pass.end();
    }
    timer.resolve(encoder);
    device.queue.submit([encoder.finish()]);
    const times = await timer.read();
    timer.destroy();
    return times;
  }
}
