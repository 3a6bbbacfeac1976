/**
 * ONNX operators on known values that read or write elements at places: what exporters build tables and masks with.
 *
 * @module
 */

import { sizeOf, stridesOf } from "../../graph/graph.ts";
import { walk } from "../../graph/walk.ts";
import type { NodeReader } from "../reader.ts";
import { allocate, type OnnxTensor } from "../tensor.ts";

function known(node: NodeReader, index: number): OnnxTensor {
  return node.known(index, `input ${index}`) ?? node.fail(`lacks input ${index}`);
}

/** A place counted from the front. */
function inside(node: NodeReader, place: number, extent: number): number {
  const front = place < 0 ? place + extent : place;
  if (!(front >= 0 && front < extent)) node.fail(`place ${place} is outside an axis of ${extent}`);
  return front;
}

/** Elements at places along one axis. */
export function gatherElements(node: NodeReader): OnnxTensor {
  const x = known(node, 0), places = known(node, 1);
  const axis = node.axis(node.int("axis", 0), x.shape.length);
  const strides = stridesOf(x.shape), data = allocate(x.dtype, places.data.length);
  if (places.shape.length !== x.shape.length) node.fail(`places [${places.shape}] do not go with [${x.shape}]`);
  let next = 0;
  walk(places.shape, strides.map((step, at) => at === axis ? 0 : step), 0, (position) => {
    data[next] = x.data[position + inside(node, places.data[next], x.shape[axis]) * strides[axis]];
    next++;
  });
  return { dtype: x.dtype, shape: places.shape, data };
}

/** A copy with other numbers at places, which are rows of indices along the first axes. */
export function scatterND(node: NodeReader): OnnxTensor {
  const x = known(node, 0), places = known(node, 1), updates = known(node, 2);
  const reduction = node.string("reduction", "none");
  if (reduction !== "none") node.fail(`reduction "${reduction}" is not supported`);
  const depth = places.shape.at(-1) ?? 0, block = sizeOf(x.shape.slice(depth)), strides = stridesOf(x.shape);
  const data = allocate(x.dtype, x.data.length);
  data.set(x.data);
  const rows = depth === 0 ? 0 : places.data.length / depth;
  if (depth > x.shape.length || updates.data.length !== rows * block) {
    node.fail(`places [${places.shape}] and updates [${updates.shape}] do not go with [${x.shape}]`);
  }
  for (let row = 0; row < rows; row++) {
    let at = 0;
    for (let axis = 0; axis < depth; axis++) {
      at += inside(node, places.data[row * depth + axis], x.shape[axis]) * strides[axis];
    }
    data.set(updates.data.subarray(row * block, (row + 1) * block), at);
  }
  return { dtype: x.dtype, shape: x.shape, data };
}

/** Sums of all elements up to each along an axis. */
export function cumSum(node: NodeReader): OnnxTensor {
  const x = known(node, 0), axis = node.axis(node.scalar(1, "axis", 0), x.shape.length);
  const exclusive = node.int("exclusive", 0) !== 0, reverse = node.int("reverse", 0) !== 0;
  const step = stridesOf(x.shape)[axis], extent = x.shape[axis];
  const data = allocate(x.dtype, x.data.length);
  for (let first = 0; first < data.length; first++) {
    if (Math.floor(first / step) % extent !== 0) continue;
    let sum = 0;
    for (let i = 0; i < extent; i++) {
      const at = first + (reverse ? extent - 1 - i : i) * step;
      if (exclusive) data[at] = sum;
      sum += x.data[at];
      if (!exclusive) data[at] = sum;
    }
  }
  return { dtype: x.dtype, shape: x.shape, data };
}

/** The part of matrices above a diagonal, or below it; the rest is 0. */
export function trilu(node: NodeReader): OnnxTensor {
  const x = known(node, 0), upper = node.int("upper", 1) !== 0, diagonal = node.scalar(1, "k", 0);
  const [rows, columns] = x.shape.slice(-2);
  if (columns === undefined) node.fail(`input [${x.shape}] holds no matrices`);
  const data = x.data.slice();
  for (let at = 0; at < data.length; at++) {
    const column = at % columns, row = Math.floor(at / columns) % rows;
    if (upper ? column < row + diagonal : column > row + diagonal) data[at] = 0;
  }
  return { dtype: x.dtype, shape: x.shape, data };
}
