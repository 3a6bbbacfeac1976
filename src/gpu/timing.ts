/**
 * GPU time by timestamp query.
 *
 * @module
 */

import { Memory } from "./memory.ts";
import { ReadbackPool, type ReadRange } from "./readback.ts";

/** Writes a pair of timestamps for each pass and reads the durations back. */
export class PassTimer {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #passes: number;

  /** Room for `passes` passes; the device must have the feature `timestamp-query`. */
  constructor(device: GPUDevice, passes: number) {
    this.#passes = passes;
    const size = 16 * passes;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * passes });
    this.#resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
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

  /** Ends the recording; the range returned is to be read back, and `durations` makes times of its bytes. */
  resolved(encoder: GPUCommandEncoder): ReadRange {
    encoder.resolveQuerySet(this.#queries, 0, 2 * this.#passes, this.#resolved, 0);
    return { buffer: this.#resolved, offset: 0, size: 16 * this.#passes };
  }

  /** Milliseconds of each pass from the bytes of `resolved`. */
  static durations(bytes: ArrayBuffer, offset: number, passes: number): number[] {
    const stamps = new BigUint64Array(bytes, offset, 2 * passes);
    return Array.from({ length: passes }, (_, i) => Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6);
  }

  /** Frees the queries. */
  destroy(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
  }

  /**
   * Times each dispatch of something that can be encoded in ranges, every dispatch in a compute pass of its own. Throws FeatherdetError if
   * the device does not run it.
   */
  static async timeDispatches(
    device: GPUDevice,
    program: { readonly dispatchCount: number; encode(pass: GPUComputePassEncoder, first: number, end: number): void },
  ): Promise<number[]> {
    const { dispatchCount } = program;
    const memory = new Memory(device);
    let timer: PassTimer | undefined;
    try {
      const bytes = await new ReadbackPool(memory, 16 * dispatchCount, "this measurement").submit((encoder) => {
        const stamps = timer = new PassTimer(device, dispatchCount);
        for (let i = 0; i < dispatchCount; i++) {
          const pass = encoder.beginComputePass(stamps.descriptor(i));
          program.encode(pass, i, i + 1);
          pass.end();
        }
        return [stamps.resolved(encoder)];
      });
      return PassTimer.durations(bytes, 0, dispatchCount);
    } finally {
      timer?.destroy();
      memory.destroy();
    }
  }
}
