/**
 * The extent that a Resize makes of another.
 *
 * @module
 */

import type { OperatorAttributes, Pair } from "../../graph/operators.ts";

/** Output extent that a scale leads to. The product is rounded to f32 as runtimes do: 13 times f32(25 / 13) must be 25. */
export function resizedExtent(extent: number, scale: number): number {
  return Math.floor(Math.fround(extent * scale));
}

/** Whether a scale leads to the extent however a runtime multiplies, in f32 or in f64. */
export function isStatable(scale: number, extent: number, size: number): boolean {
  return Math.fround(scale) === scale && resizedExtent(extent, scale) === size && Math.floor(extent * scale) === size;
}

/** Whether a scale is meant as one, for every size; any other may be the quotient of two extents. */
export function isPlainScale(scale: number): boolean {
  return Number.isInteger(16 * scale);
}

/**
 * Size and scales of a Resize that states scales. One that leads to the size only by f32's rounding is the rounded quotient of
 * two extents, and is taken as the quotient.
 */
export function resizedByScales(image: Pair, stated: Pair): Pick<OperatorAttributes["Resize"], "size" | "scales"> {
  const size: Pair = [resizedExtent(image[0], stated[0]), resizedExtent(image[1], stated[1])];
  const scale = (axis: 0 | 1) =>
    isStatable(stated[axis], image[axis], size[axis]) ? stated[axis] : size[axis] / image[axis];
  return { size, scales: [scale(0), scale(1)] };
}
