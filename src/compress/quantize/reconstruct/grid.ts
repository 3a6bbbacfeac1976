/**
 * The whole numbers that weights are rounded to: for every weight the step below it, and how far above that it lies.
 *
 * @module
 */

import type { Constant } from "../../../graph/mod.ts";
import { FOUR_BIT_MOST, fourBitChannel } from "../four_bit.ts";
import { GREATEST } from "../quantization_parameters.ts";

/** Bits of weights whose rounding can be learned. */
export type ReconstructedBits = 4 | 8;

/** Weights on the grid of their output channels (the first axis). */
export interface WeightGrid {
  /** Step of each output channel; 0 for a channel of zeros. */
  readonly scales: Float32Array<ArrayBuffer>;
  /** Step below each weight, such that it and the next one lie in what the bits hold. */
  readonly floors: Float32Array<ArrayBuffer>;
  /** Where each weight lies between that step and the next, 0..1. */
  readonly rests: Float32Array<ArrayBuffer>;
}

/** Greatest step of either side. */
export const GRID_MOST: Readonly<Record<ReconstructedBits, number>> = { 4: FOUR_BIT_MOST, 8: GREATEST };

/** Weights of a step that lie on it but for the rounding of f32, as a share of a step. */
const ON_STEP = 1e-4;

/** How near to the greatest step a weight is taken for one at the end. */
const END = 1e-3;

/** The grid on which `quantize` (8 bits) and `packWeights` (4 bits) put weights. */
export function weightGrid({ shape, data }: Constant, bits: ReconstructedBits): WeightGrid {
  const size = data.length / shape[0], most = GRID_MOST[bits];
  const scales = new Float32Array(shape[0]), floors = new Float32Array(data.length);
  const rests = new Float32Array(data.length);
  for (let output = 0; output < shape[0]; output++) {
    const values = Float32Array.from(data.subarray(output * size, (output + 1) * size));
    scales[output] = bits === 4
      ? fourBitChannel(values).scale
      : values.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0) / most;
    if (scales[output] === 0) continue;
    for (let i = 0; i < size; i++) {
      const steps = Math.min(most, Math.max(-most, values[i] / scales[output]));
      const floor = Math.min(most - 1, Math.floor(steps + ON_STEP));
      floors[output * size + i] = floor;
      rests[output * size + i] = Math.min(1, Math.max(0, steps - floor));
    }
  }
  return { scales, floors, rests };
}

/**
 * Which way a weight goes that lies at either end of what the bits hold, true for up; undefined for others. These may not move: the scale that is
 * found behind this pass follows from the greatest of them.
 */
export function endOf({ floors, rests }: WeightGrid, bits: ReconstructedBits, index: number): boolean | undefined {
  const most = GRID_MOST[bits], steps = floors[index] + rests[index];
  return steps >= most - END ? true : steps <= END - most ? false : undefined;
}

/** The weights on the grid where those are one step up for which `isUp` says so, in f32. */
export function onGrid({ scales, floors }: WeightGrid, isUp: (index: number) => boolean): Float32Array<ArrayBuffer> {
  const size = floors.length / scales.length;
  return floors.map((floor, i) => (floor + (isUp(i) ? 1 : 0)) * scales[Math.floor(i / size)]);
}
