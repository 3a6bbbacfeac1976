/**
 * Size of the weights of a plan on the device.
 *
 * @module
 */

import type { Plan } from "../plan/plan.ts";
import { scalarBytes } from "../plan/place.ts";

/** Values of a cell of float weights. */
const CELL = 4;

/** Bytes of a cell of int8 weights, or of those of one, two or four bits: four words of four. */
const INT8_CELL = 16;

/** Bytes of the constants that a plan's kernels read, as they are packed; packs nothing. */
export function deviceWeightBytes({ dispatches, form }: Pick<Plan, "dispatches" | "form">): number {
  const bindings = dispatches.flatMap(({ kernel }) => kernel.bindings);
  return bindings.reduce((sum, binding) => {
    if (binding.kind === "constant") return sum + binding.data.byteLength;
    if (binding.kind !== "weights" && binding.kind !== "int8 weights") return sum;
    const { columns, rows, layers } = binding.weights;
    const cell = binding.kind === "weights" ? CELL * scalarBytes(form, "f32") : INT8_CELL;
    return sum + columns * rows * layers * cell;
  }, 0);
}
