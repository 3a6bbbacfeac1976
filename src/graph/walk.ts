/**
 * Going through a tensor in another order than it lies: transposing, slicing and broadcasting are all a choice of strides.
 *
 * @module
 */

import { type Shape, sizeOf } from "./graph.ts";

/** Calls `visit` with the position `start` + indices x strides of every element, in row-major order of the shape. */
export function walk(shape: Shape, strides: readonly number[], start: number, visit: (position: number) => void): void {
  const total = sizeOf(shape);
  const index = Array<number>(shape.length).fill(0);
  let position = start;
  for (let count = 0; count < total; count++) {
    visit(position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += strides[axis];
      if (++index[axis] < shape[axis]) break;
      position -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
