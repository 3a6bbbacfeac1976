/**
 * Strided walks over plain tensors: which element of each operand goes with an element of the output.
 *
 * @module
 */

import { type Shape, stridesOf } from "../graph/graph.ts";
import { type ParameterField, type Parameters, struct, vec4i } from "./kernel.ts";

/** Most axes that a plain kernel walks over. */
export const RANK = 8;

/** Strides of an operand along the axes of a tensor it is broadcast to: 0 where its extent is 1. */
export function alignedStrides(shape: Shape, to: Shape): number[] {
  const missing = to.length - shape.length;
  const strides = stridesOf(shape);
  return to.map((_, axis) => axis < missing || shape[axis - missing] === 1 ? 0 : strides[axis - missing]);
}

/** A walk: extents of its axes, outermost first, and the steps of every operand along them. */
export interface Walk {
  readonly extents: readonly number[];
  readonly steps: readonly (readonly number[])[];
}

/**
 * Drops axes of extent 1 and merges neighbours that every operand walks as one; at least one axis is left. Elements are
 * visited in the same order.
 */
export function collapse(extents: readonly number[], steps: readonly (readonly number[])[]): Walk {
  const kept: number[] = [];
  const out: number[][] = steps.map(() => []);
  extents.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = kept.length - 1;
    if (last >= 0 && steps.every((list, i) => out[i][last] === list[axis] * extent)) {
      kept[last] *= extent;
      steps.forEach((list, i) => out[i][last] = list[axis]);
    } else {
      kept.push(extent);
      steps.forEach((list, i) => out[i].push(list[axis]));
    }
  });
  if (kept.length === 0) {
    kept.push(1);
    out.forEach((list) => list.push(0));
  }
  return { extents: kept, steps: out };
}

/** A parameter of type `Axes` (`shaders/lib/walk.wgsl`): a list of up to eight numbers. */
export function axes(list: readonly number[]): ParameterField {
  const all = [...list, ...new Array<number>(RANK - list.length).fill(0)];
  return struct({ low: vec4i(all.slice(0, 4)), high: vec4i(all.slice(4)) });
}

/**
 * A walk over a tensor by a reduction: `rank` of the axes that stay, and the first parameters of shaders that reduce: extents and steps
 * of those (`Axes`), then of the axes that are reduced (`vec4i`), padded in front with ones.
 */
export function reductionWalk(
  shape: Shape,
  reduced: readonly number[],
): { readonly rank: number; readonly parameters: Parameters } {
  const strides = stridesOf(shape);
  const walk = (wanted: boolean) => {
    const axes = shape.map((_, axis) => axis).filter((axis) => reduced.includes(axis) === wanted);
    return collapse(axes.map((axis) => shape[axis]), [axes.map((axis) => strides[axis])]);
  };
  const stay = walk(false), go = walk(true);
  // Merged axes that are reduced alternate with kept ones: with eight in all there are four at most.
  const ones = (list: readonly number[], fill: number) => [...new Array<number>(4 - list.length).fill(fill), ...list];
  return {
    rank: stay.extents.length,
    parameters: {
      extents: axes(stay.extents),
      steps: axes(stay.steps[0]),
      reducedExtents: vec4i(ones(go.extents, 1)),
      reducedSteps: vec4i(ones(go.steps[0], 0)),
    },
  };
}
