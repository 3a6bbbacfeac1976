/**
 * Size of the weights of a plan on the device.
 *
 * @module
 */

import { UploadedWeights } from "../engine/uploaded_weights.ts";
import type { KernelBinding } from "../kernels/kernel.ts";
import type { Plan } from "../plan/plan.ts";
import { scalarBytes } from "../plan/place.ts";

/** Values of a cell of float weights. */
const CELL = 4;

/** Bytes of a cell of int8 weights, or of those of one, two or four bits: four words of four. */
const INT8_CELL = 16;

/** Weights that a kernel reads. */
type Weights = Extract<KernelBinding, { readonly kind: "weights" | "int8 weights" }>;

/** How many weights of one kind and extent are uploaded: those that hold the same numbers are uploaded once. Packs only where there are several. */
function uploads(alike: readonly Weights[]): number {
  if (alike.length === 1) return 1;
  const distinct = new UploadedWeights<true>();
  return alike.filter(({ weights }) => {
    const numbers = weights.pack(), isNew = distinct.find(weights, numbers) === undefined;
    if (isNew) distinct.add(weights, numbers, true);
    return isNew;
  }).length;
}

/** Bytes of the constants that a plan's kernels read, as they are packed and uploaded. */
export function deviceWeightBytes({ dispatches, form }: Pick<Plan, "dispatches" | "form">): number {
  const bindings = dispatches.flatMap(({ kernel }) => kernel.bindings);
  const plain = bindings.reduce((sum, one) => one.kind === "constant" ? sum + one.data.byteLength : sum, 0);
  const packed = bindings.filter((one): one is Weights => one.kind === "weights" || one.kind === "int8 weights");
  const alike = Map.groupBy(
    packed,
    ({ kind, weights: { columns, rows, layers } }) => [kind, columns, rows, layers].join(),
  );
  return [...alike.values()].reduce((sum, group) => {
    const [{ kind, weights: { columns, rows, layers } }] = group;
    const cell = kind === "weights" ? CELL * scalarBytes(form, "f32") : INT8_CELL;
    return sum + uploads(group) * columns * rows * layers * cell;
  }, plain);
}
