/**
 * Submits work and brings its results back: a pool of mappable buffers, so that several frames can be on their way at once. What arrives
 * is of the frame that was submitted, or nothing arrives: each has a number that comes back behind its results, since a buffer that a
 * refused submission did not write still holds the results of an earlier one.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { deviceError, watch } from "./device_errors.ts";
import type { Memory } from "./memory.ts";

/** A piece of a buffer that is to be read. */
export interface ReadRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

const NUMBER_BYTES = 4;

/** Mappable buffers of one size, reused. */
export class ReadbackPool {
  readonly #memory: Memory;
  readonly #size: number;
  readonly #what: string;
  readonly #free: GPUBuffer[] = [];
  #number: GPUBuffer | undefined;
  #submitted = 0;

  /** For results of at most `size` bytes. Buffers are owned by `memory`; `what` is what errors call a submission, such as "this frame". */
  constructor(memory: Memory, size: number, what: string) {
    this.#memory = memory;
    this.#size = size;
    this.#what = what;
  }

  /** The buffer whose copy tells of which submission results are. */
  #numberBuffer(): GPUBuffer {
    return this.#number ??= this.#memory.buffer("number", GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC, 16);
  }

  /**
   * Submits what `record` records, with the uploads that it makes, and waits for the bytes of the ranges that it returns, one behind the
   * other in the order given; a few bytes behind them are the pool's own. Throws at once what `record` throws.
   *
   * The promise fails with a FeatherdetError if the device refuses an upload, a command or the mapping, or is lost; no results are given
   * then. `onFault` is told before that whether the commands have run nevertheless.
   */
  submit(
    record: (encoder: GPUCommandEncoder) => readonly ReadRange[],
    onFault: (hasRun: boolean) => void = () => {},
  ): Promise<ArrayBuffer> {
    const { device } = this.#memory;
    const number = this.#submitted = this.#submitted % 0xffffffff + 1;
    const { result: { staging, mapped, end }, fault } = watch(device, () => {
      const encoder = device.createCommandEncoder();
      const ranges = record(encoder);
      const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
      const staging = this.#free.pop() ?? this.#memory.buffer("readback", usage, this.#size + NUMBER_BYTES);
      let end = 0;
      for (const { buffer, offset, size } of ranges) {
        encoder.copyBufferToBuffer(buffer, offset, staging, end, size);
        end += size;
      }
      const source = this.#numberBuffer();
      device.queue.writeBuffer(source, 0, Uint32Array.of(number));
      encoder.copyBufferToBuffer(source, 0, staging, end, NUMBER_BYTES);
      device.queue.submit([encoder.finish()]);
      const mapped = staging.mapAsync(GPUMapMode.READ, 0, end + NUMBER_BYTES);
      mapped.catch(() => {});
      return { staging, mapped, end };
    });
    return this.#arrival(staging, number, end, { fault, mapped }, onFault);
  }

  async #arrival(
    staging: GPUBuffer,
    number: number,
    end: number,
    { fault, mapped }: { readonly fault: Promise<GPUError | undefined>; readonly mapped: Promise<unknown> },
    onFault: (hasRun: boolean) => void,
  ): Promise<ArrayBuffer> {
    let problem: unknown = await fault;
    let hasRun = false;
    try {
      await mapped;
      const bytes = staging.getMappedRange(0, end + NUMBER_BYTES).slice(0);
      hasRun = new Uint32Array(bytes, end, 1)[0] === number;
      if (problem === undefined && hasRun) {
        staging.unmap();
        this.#free.push(staging);
        return bytes;
      }
    } catch (error) {
      const { message } = error as Error;
      problem ??= new FeatherdetError(`the results of ${this.#what} could not be read back: ${message}`, {}, {
        cause: error,
      });
    }
    // Whatever is wrong with these buffers, the next submission gets others.
    this.#memory.release(staging);
    if (this.#number) this.#memory.release(this.#number);
    this.#number = undefined;
    onFault(hasRun);
    throw await deviceError(
      this.#memory.device,
      this.#what,
      problem ??
        new FeatherdetError(`the results of ${this.#what} did not arrive: the device left it out without a word`),
    );
  }

  /** Frees the buffers that are on no way. */
  destroy(): void {
    for (const buffer of this.#free.splice(0)) this.#memory.release(buffer);
    if (this.#number) this.#memory.release(this.#number);
    this.#number = undefined;
  }
}

/** Reads ranges of buffers once, when all that was submitted before has run. Throws FeatherdetError as `ReadbackPool.submit` does. */
export async function readRanges(memory: Memory, ranges: readonly ReadRange[], what: string): Promise<ArrayBuffer> {
  const pool = new ReadbackPool(memory, ranges.reduce((sum, { size }) => sum + size, 0), what);
  try {
    return await pool.submit(() => ranges);
  } finally {
    pool.destroy();
  }
}
