/**
 * Operators that move elements without computing: each says where an element of its output comes from.
 *
 * @module
 */

import { type Shape, stridesOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { walk } from "../graph/walk.ts";
import { forEachIndex, type ReferenceTensor, restride, zeros } from "./tensor.ts";

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
  const total = inputs.reduce((sum, input) => sum + input.shape[axis], 0);
  const out = zeros(inputs[0].shape.map((extent, i) => i === axis ? total : extent));
  const strides = stridesOf(out.shape);
  let offset = 0;
  for (const { shape, data } of inputs) {
    const inner = shape.at(-1) ?? 1;
    let next = 0;
    walk(shape.slice(0, -1), strides, offset * strides[axis], (target) => {
      for (let i = 0; i < inner; i++) out.data[target + i] = data[next++];
    });
    offset += shape[axis];
  }
  return [out];
}

/** ONNX Split. */
export function split(node: Node<"Split">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axis, sizes } = node.attributes;
  const strides = stridesOf(x.shape);
  let offset = 0;
  return sizes.map((size) => {
    const first = offset;
    offset += size;
    return restride(x, x.shape.map((extent, i) => i === axis ? size : extent), strides, first * strides[axis]);
  });
}

/** ONNX Slice with normalised bounds. */
export function slice(node: Node<"Slice">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axes, starts, ends, steps } = node.attributes;
  const strides = stridesOf(x.shape), shape = [...x.shape];
  let start = 0;
  axes.forEach((axis, i) => {
    shape[axis] = Math.max(0, Math.ceil((ends[i] - starts[i]) / steps[i]));
    start += starts[i] * strides[axis];
    strides[axis] *= steps[i];
  });
  return [restride(x, shape, strides, start)];
}

/** ONNX Reshape to a full shape. */
export function reshape(node: Node<"Reshape">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  return [{ shape: node.attributes.shape, data: x.data }];
}

/** ONNX Transpose. */
export function transpose(node: Node<"Transpose">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { perm } = node.attributes;
  const strides = stridesOf(x.shape);
  return [restride(x, perm.map((axis) => x.shape[axis]), perm.map((axis) => strides[axis]))];
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
