/**
 * What comes back from a step: the values that the problem reports and the optimizer's state, in one readback.
 *
 * @module
 */

import type { Memory } from "../../gpu/memory.ts";
import { ReadbackPool, type ReadRange } from "../../gpu/readback.ts";
import { sizeOf } from "../../graph/mod.ts";
import { type OptimizerState, readOptimizerState } from "../../kernels/train/optimizer.ts";
import { outputValue, type Plan } from "../../plan/plan.ts";

/** A step's numbers on the host. */
export interface StepNumbers {
  /** Reported values by name. */
  readonly values: Readonly<Record<string, Float32Array>>;
  /** What the optimizer said last. */
  readonly state: OptimizerState;
}

/** Where a step's numbers lie, and the buffers that bring them back. */
export class StepReport {
  readonly #names: readonly string[];
  readonly #ranges: readonly ReadRange[];
  readonly #pool: ReadbackPool;

  /** For the values `names` in the plan's plain memory `plain`, and the optimizer's `state`. */
  constructor(
    memory: Memory,
    plan: Plan,
    names: readonly string[],
    { plain, state }: { readonly plain: GPUBuffer; readonly state: GPUBuffer },
  ) {
    this.#names = names;
    const reported = names.map((name): ReadRange => {
      const { offset } = plan.placements.get(outputValue(plan, name))!;
      return { buffer: plain, offset, size: 4 * sizeOf(plan.types.get(name)!.shape) };
    });
    this.#ranges = [...reported, { buffer: state, offset: 0, size: state.size }];
    this.#pool = new ReadbackPool(memory, this.#ranges.reduce((sum, { size }) => sum + size, 0), "this step");
  }

  /** Submits what `record` records and waits for the numbers; `onFault` as in `ReadbackPool.submit`. */
  submit(record: (encoder: GPUCommandEncoder) => void, onFault: (hasRun: boolean) => void): Promise<StepNumbers> {
    const arrival = this.#pool.submit((encoder) => {
      record(encoder);
      return this.#ranges;
    }, onFault);
    return arrival.then((bytes) => {
      let at = 0;
      const pieces = this.#ranges.map(({ size }) => new Float32Array(bytes.slice(at, at += size)));
      return {
        values: Object.fromEntries(this.#names.map((name, i) => [name, pieces[i]])),
        state: readOptimizerState(pieces.at(-1)!),
      };
    });
  }
}
