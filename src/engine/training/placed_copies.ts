/**
 * Some values with a place in a flat buffer the plan had to place in its own memory as well: they are copied in before a run and out
 * behind it.
 *
 * @module
 */

import type { NamedBuffers } from "../../gpu/named_buffers.ts";
import { OPTIMIZER_VALUES } from "../../kernels/train/optimizer.ts";
import type { Plan } from "../../plan/plan.ts";
import type { FlatPlace } from "./plan.ts";

const { parameters, statistics } = OPTIMIZER_VALUES;

/** A piece of a flat buffer and where it lies in the plan's plain memory. */
interface Copy {
  readonly flat: GPUBuffer;
  readonly flatOffset: number;
  readonly plainOffset: number;
  readonly size: number;
}

/** The copies of one plan. */
export class PlacedCopies {
  readonly #before: readonly Copy[];
  readonly #after: readonly Copy[];

  /** Finds the values of `places` that `plan` has placed; parameters and statistics go in, all others come out. */
  constructor(plan: Plan, places: ReadonlyMap<string, FlatPlace>, buffers: NamedBuffers) {
    const before: Copy[] = [], after: Copy[] = [];
    for (const [value, { flat, offset, size }] of places) {
      const placement = plan.placements.get(value);
      if (!placement) continue;
      const copy = { flat: buffers.get(flat), flatOffset: offset, plainOffset: placement.offset, size };
      (flat === parameters || flat === statistics ? before : after).push(copy);
    }
    this.#before = before;
    this.#after = after;
  }

  /** Records the copies into the plan's plain memory. */
  encodeBefore(encoder: GPUCommandEncoder, plain: GPUBuffer): void {
    for (const { flat, flatOffset, plainOffset, size } of this.#before) {
      encoder.copyBufferToBuffer(flat, flatOffset, plain, plainOffset, size);
    }
  }

  /** Records the copies out of it. */
  encodeAfter(encoder: GPUCommandEncoder, plain: GPUBuffer): void {
    for (const { flat, flatOffset, plainOffset, size } of this.#after) {
      encoder.copyBufferToBuffer(plain, plainOffset, flat, flatOffset, size);
    }
  }
}
