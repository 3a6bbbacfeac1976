/**
 * Operators that move elements without computing: each says, for an index of its output, where the element comes from.
 *
 * @module
 */

import { type Shape, stridesOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { forEachIndex, type ReferenceTensor, zeros } from "./tensor.ts";

/** Fills an output of the given shape with the input's elements at `source(output index)`; undefined gives `other`. */
function gather(
  x: ReferenceTensor,
  shape: Shape,
  source: (index: readonly number[]) => readonly number[] | undefined,
  other = 0,
): ReferenceTensor {
  const out = zeros(shape);
  const strides = stridesOf(x.shape);
  forEachIndex(shape, (index, position) => {
    const from = source(index);
    out.data[position] = from ? x.data[from.reduce((sum, i, axis) => sum + i * strides[axis], 0)] : other;
  });
  return out;
}

/** ONNX Concat. */
export function concat(node: Node<"Concat">, inputs: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axis } = node.attributes;
  const first = inputs[0].shape;
  const total = inputs.reduce((sum, input) => sum + input.shape[axis], 0);
  const out = zeros(first.map((extent, i) => i === axis ? total : extent));
  const strides = stridesOf(out.shape);
  let offset = 0;
  for (const input of inputs) {
    forEachIndex(input.shape, (index, position) => {
      const target = index.reduce((sum, i, at) => sum + (at === axis ? i + offset : i) * strides[at], 0);
      out.data[target] = input.data[position];
    });
    offset += input.shape[axis];
  }
  return [out];
}

/** ONNX Split. */
export function split(node: Node<"Split">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axis, sizes } = node.attributes;
  let offset = 0;
  return sizes.map((size) => {
    const first = offset;
    offset += size;
    const shape = x.shape.map((extent, i) => i === axis ? size : extent);
    return gather(x, shape, (index) => index.map((i, at) => at === axis ? i + first : i));
  });
}

/** ONNX Slice with normalised bounds. */
export function slice(node: Node<"Slice">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axes, starts, ends, steps } = node.attributes;
  const taken = x.shape.map((extent, axis) => {
    const entry = axes.indexOf(axis);
    const [start, end, step] = entry < 0 ? [0, extent, 1] : [starts[entry], ends[entry], steps[entry]];
    const picks: number[] = [];
    for (let i = start; step > 0 ? i < end : i > end; i += step) picks.push(i);
    return picks;
  });
  return [gather(x, taken.map((picks) => picks.length), (index) => index.map((i, axis) => taken[axis][i]))];
}

/** ONNX Reshape to a full shape. */
export function reshape(node: Node<"Reshape">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  return [{ shape: node.attributes.shape, data: x.data }];
}

/** ONNX Transpose. */
export function transpose(node: Node<"Transpose">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { perm } = node.attributes;
  const shape = perm.map((axis) => x.shape[axis]);
  return [gather(x, shape, (index) => x.shape.map((_, axis) => index[perm.indexOf(axis)]))];
}

/** Where a padded position reads from, or undefined in a constant border. */
function padSource(mode: Node<"Pad">["attributes"]["mode"], i: number, extent: number): number | undefined {
  if (i >= 0 && i < extent) return i;
  if (mode === "constant") return undefined;
  if (mode === "edge") return i < 0 ? 0 : extent - 1;
  return i < 0 ? -i : 2 * (extent - 1) - i;
}

/** ONNX Pad with pads of zero or more. */
export function pad(node: Node<"Pad">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { mode, pads, value } = node.attributes;
  const rank = x.shape.length;
  const shape = x.shape.map((extent, axis) => pads[axis] + extent + pads[rank + axis]);
  return [gather(
    x,
    shape,
    (index) => {
      const from: number[] = [];
      for (let axis = 0; axis < rank; axis++) {
        const i = padSource(mode, index[axis] - pads[axis], x.shape[axis]);
        if (i === undefined) return undefined;
        from.push(i);
      }
      return from;
    },
    value,
  )];
}

/** ONNX TopK, sorted. */
export function topK(node: Node<"TopK">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axis, k, largest } = node.attributes;
  const shape = x.shape.map((extent, i) => i === axis ? k : extent);
  const values = zeros(shape), places = zeros(shape);
  const step = stridesOf(x.shape)[axis], extent = x.shape[axis];
  forEachIndex(shape, (index, position) => {
    const first = stridesOf(x.shape).reduce((sum, stride, i) => sum + (i === axis ? 0 : index[i] * stride), 0);
    const line = Array.from({ length: extent }, (_, i) => i);
    line.sort((a, b) => {
      const apart = x.data[first + b * step] - x.data[first + a * step];
      return (largest ? apart : -apart) || a - b;
    });
    places.data[position] = line[index[axis]];
    values.data[position] = x.data[first + line[index[axis]] * step];
  });
  return [values, places];
}

/** ONNX GatherElements. */
export function gatherElements(
  node: Node<"GatherElements">,
  [x, places]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { axis } = node.attributes;
  const out = zeros(places.shape), strides = stridesOf(x.shape);
  forEachIndex(places.shape, (index, position) => {
    const place = places.data[position] + (places.data[position] < 0 ? x.shape[axis] : 0);
    out.data[position] = x.data[index.reduce((sum, i, at) => sum + (at === axis ? place : i) * strides[at], 0)];
  });
  return [out];
}
