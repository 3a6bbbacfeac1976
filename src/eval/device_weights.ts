/**
 * Size of the weights of a plan on the device.
 *
 * @module
 */

import type { Plan } from "../plan/plan.ts";
import { scalarBytes } from "../plan/place.ts";

/** Values of a cell. */
const CELL = 4;

/** Bytes of the constants that a plan's kernels read, as they are packed; packs nothing. */
export function deviceWeightBytes({ steps, form }: Pick<Plan, "steps" | "form">): number {
  const bindings = steps.flatMap(({ kernel }) => kernel.bindings);
  return bindings.reduce((sum, binding) => {
    if (binding.kind === "constant") return sum + binding.data.byteLength;
    if (binding.kind !== "weights") return sum;
    const { columns, rows, layers } = binding.weights;
    return sum + columns * rows * layers * CELL * scalarBytes(form);
  }, 0);
}
