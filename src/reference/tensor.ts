/**
 * The tensor of the reference: float64 whatever the graph says, row-major.
 *
 * @module
 */

import { type ElementType, type Shape, sizeOf } from "../graph/graph.ts";
import { walk } from "../graph/walk.ts";

/** A row-major tensor in float64. */
export interface ReferenceTensor {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** As many elements as the shape has. */
  readonly data: Float64Array;
  /** What the numbers stand for: quantized operators look at it. Default f32. */
  readonly dtype?: ElementType;
}

/** A tensor of zeros. */
export function zeros(shape: Shape): ReferenceTensor {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

/** A tensor with the given numbers, converted to float64. */
export function referenceTensor(shape: Shape, numbers: ArrayLike<number>, dtype?: ElementType): ReferenceTensor {
  return { shape, data: Float64Array.from(numbers), dtype };
}

/** A tensor of a shape whose elements are those of another at `start` + indices x strides. */
export function restride(x: ReferenceTensor, shape: Shape, strides: readonly number[], start = 0): ReferenceTensor {
  const out = zeros(shape), to = out.data, from = x.data;
  const inner = shape.at(-1) ?? 1, step = strides.at(-1) ?? 1;
  let next = 0;
  // A row at a time: tails of detectors have millions of elements.
  walk(shape.slice(0, -1), strides, start, (first) => {
    for (let i = 0; i < inner; i++) to[next++] = from[first + i * step];
  });
  return out;
}

/** Calls `visit` with every index of the shape, in row-major order. The array is reused: copy it to keep it. */
export function forEachIndex(shape: Shape, visit: (index: readonly number[], position: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const total = sizeOf(shape);
  for (let position = 0; position < total; position++) {
    visit(index, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}
