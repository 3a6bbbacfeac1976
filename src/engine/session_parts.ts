/**
 * A batch that is run in several parts: inputs are cut along the axis of images, outputs put together again.
 *
 * @module
 */

import { type Shape, sizeOf } from "../graph/mod.ts";

/** The elements of some images; images that are left over hold what the last one holds. */
export function cutImages(data: Float32Array, shape: Shape, first: number, images: number): Float32Array {
  const stride = sizeOf(shape.slice(1)), end = shape[0] * stride;
  const from = first * stride, to = from + images * stride;
  if (to <= end) return data.subarray(from, to);
  const part = new Float32Array(images * stride);
  part.set(data.subarray(from, end));
  const last = data.subarray(end - stride, end);
  for (let at = end - from; at < part.length; at += stride) part.set(last, at);
  return part;
}

/** Puts the results of a part in their place among all. */
export function placeImages(all: Float32Array, part: Float32Array, shape: Shape, first: number): void {
  const stride = sizeOf(shape.slice(1));
  all.set(part.subarray(0, Math.min(part.length, all.length - first * stride)), first * stride);
}
