/**
 * Submits work and brings its results back: a pool of mappable buffers, so that several frames can be on their way at once. What arrives
 * is of the frame that was submitted, or nothing arrives. A buffer that a refused submission did not write still holds the results of an
 * earlier one, so each submission copies a mark behind its results, another one than the buffer has from its use before.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { deviceError, watch } from "./device_errors.ts";
import { mappedRange } from "./mapping.ts";
import { bufferBytes, type Memory } from "./memory.ts";
import { copyRange, type ReadRange } from "./read_range.ts";
export type { ReadRange } from "./read_range.ts";

const MARK_BYTES = 4, MARKS = 2;

/** The last mark that was given out: memory that a buffer got from another one may hold any before it. */
let lastMark = 0;

/** The two marks that take turns, on the device and here. */
interface Marks {
  readonly buffer: GPUBuffer;
  readonly values: Uint32Array<ArrayBuffer>;
}

/** A mappable buffer, and which of the two marks it got last. */
interface Staging {
  readonly buffer: GPUBuffer;
  readonly mark: number;
}

/** What is on its way. */
interface Submitted extends Staging {
  /** The mark that is behind the results if they have arrived. */
  readonly expected: number;
  /** Bytes of the results. */
  readonly end: number;
  readonly mapped: Promise<unknown>;
}

/** Bytes of a pool that results of `size` bytes are on their way in, so many at once at most. */
export function readbackBytes(size: number, most: number): number {
  return most * bufferBytes(size + MARK_BYTES) + bufferBytes(MARKS * MARK_BYTES);
}

/** Mappable buffers of one size, reused. */
export class ReadbackPool {
  readonly #memory: Memory;
  readonly #size: number;
  readonly #what: string;
  readonly #free: Staging[] = [];
  #marks: Marks | undefined;

  /** For results of at most `size` bytes. Buffers are owned by `memory`; `what` is what errors call a submission, such as "this frame". */
  constructor(memory: Memory, size: number, what: string) {
    this.#memory = memory;
    this.#size = size;
    this.#what = what;
  }

  /** A buffer for results, and the place of the mark that it gets now. */
  #take(): Staging {
    const used = this.#free.pop();
    if (used) return { buffer: used.buffer, mark: 1 - used.mark };
    return { buffer: this.#memory.readable("readback", this.#size + MARK_BYTES), mark: 0 };
  }

  /**
   * Submits what `record` records, with the uploads that it makes, and waits for the bytes of the ranges that it returns, one behind the
   * other in the order given, those of textures before those of buffers; a few bytes behind them are the pool's own. Throws at once what
   * `record` throws.
   *
   * The promise fails with a FeatherdetError if the device refuses an upload, a command or the mapping, or is lost; no results are given
   * then. `onFault` is told before that whether the commands have run nevertheless.
   */
  submit(
    record: (encoder: GPUCommandEncoder) => readonly ReadRange[],
    onFault: (hasRun: boolean) => void = () => {},
  ): Promise<ArrayBuffer> {
    return this.submitTaking(record, (bytes) => bytes.slice(0), onFault);
  }

  /** As `submit`, for what `take` makes of the bytes, which are gone when it returns. */
  submitTaking<Taken>(
    record: (encoder: GPUCommandEncoder) => readonly ReadRange[],
    take: (bytes: ArrayBuffer) => Taken,
    onFault: (hasRun: boolean) => void = () => {},
  ): Promise<Taken> {
    const { device } = this.#memory;
    const { result, fault } = watch(device, (): Submitted => {
      const encoder = device.createCommandEncoder();
      const ranges = record(encoder);
      const { buffer: staging, mark } = this.#take();
      let end = 0;
      for (const range of ranges) {
        copyRange(encoder, range, staging, end);
        end += range.size;
      }
      const marks = this.#marks ??= this.#makeMarks();
      encoder.copyBufferToBuffer(marks.buffer, MARK_BYTES * mark, staging, end, MARK_BYTES);
      device.queue.submit([encoder.finish()]);
      const mapped = staging.mapAsync(GPUMapMode.READ, 0, end + MARK_BYTES);
      mapped.catch(() => {});
      return { buffer: staging, mark, expected: marks.values[mark], end, mapped };
    });
    return this.#arrival(result, take, fault, onFault);
  }

  async #arrival<Taken>(
    { buffer: staging, mark, expected, end, mapped }: Submitted,
    take: (bytes: ArrayBuffer) => Taken,
    fault: Promise<GPUError | undefined>,
    onFault: (hasRun: boolean) => void,
  ): Promise<Taken> {
    let problem: unknown = await fault;
    let hasRun = false;
    try {
      const bytes = await mappedRange(staging, mapped, end + MARK_BYTES);
      hasRun = new Uint32Array(bytes, end, 1)[0] === expected;
      if (problem === undefined && hasRun) {
        const taken = take(bytes);
        staging.unmap();
        this.#free.push({ buffer: staging, mark });
        return taken;
      }
    } catch (error) {
      const { message } = error as Error;
      problem ??= new FeatherdetError(`the results of ${this.#what} could not be read back: ${message}`, {}, {
        cause: error,
      });
    }
    // Whatever is wrong with these buffers, the next submission gets others.
    this.#memory.release(staging);
    this.#releaseMarks();
    onFault(hasRun);
    throw await deviceError(
      this.#memory.device,
      this.#what,
      problem ??
        new FeatherdetError(`the results of ${this.#what} did not arrive: the device left it out without a word`),
    );
  }

  #makeMarks(): Marks {
    const values = Uint32Array.from({ length: MARKS }, () => lastMark = (lastMark + 1) >>> 0);
    return { values, buffer: this.#memory.buffer("marks", GPUBufferUsage.COPY_SRC, values.byteLength, values) };
  }

  #releaseMarks(): void {
    if (this.#marks) this.#memory.release(this.#marks.buffer);
    this.#marks = undefined;
  }

  /** Frees the buffers that are on no way. */
  destroy(): void {
    for (const { buffer } of this.#free.splice(0)) this.#memory.release(buffer);
    this.#releaseMarks();
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
