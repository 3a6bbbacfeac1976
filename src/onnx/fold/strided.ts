/**
 * Reading a tensor in another order: transposing, slicing and broadcasting are all a choice of strides.
 *
 * @module
 */

import { type Shape, sizeOf, stridesOf } from "../../graph/graph.ts";
import { walk } from "../../graph/walk.ts";
import { allocate, type OnnxTensor } from "../tensor.ts";

/** Strides that repeat a tensor of one shape over a larger one; the shapes must broadcast. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, axis) => axis < lead || shape[axis - lead] === 1 ? 0 : own[axis - lead]);
}

/** A new tensor of that shape, read from another at the given strides. */
export function restride(tensor: OnnxTensor, shape: Shape, strides: readonly number[], start = 0): OnnxTensor {
  const data = allocate(tensor.dtype, sizeOf(shape));
  let next = 0;
  walk(shape, strides, start, (position) => data[next++] = tensor.data[position]);
  return { dtype: tensor.dtype, shape, data };
}
