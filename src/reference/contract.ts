/**
 * Matrix products and reductions.
 *
 * @module
 */

import type { Node } from "../graph/operators.ts";
import { stridesOf } from "../graph/graph.ts";
import { forEachIndex, type ReferenceTensor, zeros } from "./tensor.ts";

/** ONNX Gemm: `alpha * A' B' + beta * C`. */
export function gemm(node: Node<"Gemm">, [a, b, c]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { alpha, beta, transposeA, transposeB } = node.attributes;
  const [rows, depth] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const columns = b.shape[transposeB ? 0 : 1];
  const out = zeros([rows, columns]);
  const heightC = c && c.shape.length > 1 ? c.shape[0] : 1;
  const widthC = c && c.shape.length > 0 ? c.shape[c.shape.length - 1] : 1;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < depth; k++) {
        sum += a.data[transposeA ? k * rows + i : i * depth + k] * b.data[transposeB ? j * depth + k : k * columns + j];
      }
      const added = c ? c.data[(heightC === 1 ? 0 : i) * widthC + (widthC === 1 ? 0 : j)] : 0;
      out.data[i * columns + j] = alpha * sum + beta * added;
    }
  }
  return [out];
}

/** ONNX MatMul of rank 2 and more. */
export function matMul(_: Node<"MatMul">, [a, b]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const rank = Math.max(a.shape.length, b.shape.length);
  const align = ({ shape }: ReferenceTensor) => [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const shapeA = align(a), shapeB = align(b);
  const rows = shapeA[rank - 2], depth = shapeA[rank - 1], columns = shapeB[rank - 1];
  const lead = shapeA.slice(0, -2).map((extent, axis) => Math.max(extent, shapeB[axis]));
  const stepsA = stridesOf(shapeA).map((stride, axis) => shapeA[axis] === 1 ? 0 : stride);
  const stepsB = stridesOf(shapeB).map((stride, axis) => shapeB[axis] === 1 ? 0 : stride);
  const out = zeros([...lead, rows, columns]);
  forEachIndex(lead, (index, batch) => {
    const fromA = index.reduce((sum, i, axis) => sum + i * stepsA[axis], 0);
    const fromB = index.reduce((sum, i, axis) => sum + i * stepsB[axis], 0);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) sum += a.data[fromA + i * depth + k] * b.data[fromB + k * columns + j];
        out.data[(batch * rows + i) * columns + j] = sum;
      }
    }
  });
  return [out];
}

/** Every reduction: gathers the elements that fall together, then makes one of them. */
function reduce(
  x: ReferenceTensor,
  axes: readonly number[],
  keepDims: boolean,
  combine: (elements: number[]) => number,
): ReferenceTensor[] {
  const kept = x.shape.map((extent, axis) => axes.includes(axis) ? 1 : extent);
  const steps = stridesOf(kept).map((stride, axis) => axes.includes(axis) ? 0 : stride);
  const out = zeros(kept);
  const groups = Array.from({ length: out.data.length }, (): number[] => []);
  forEachIndex(x.shape, (index, position) => {
    groups[index.reduce((sum, i, axis) => sum + i * steps[axis], 0)].push(x.data[position]);
  });
  groups.forEach((elements, i) => out.data[i] = combine(elements));
  return [{ shape: keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis)), data: out.data }];
}

const sum = (elements: number[]) => elements.reduce((a, b) => a + b, 0);

/** ONNX ReduceMean. */
export function reduceMean(node: Node<"ReduceMean">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axes, keepDims } = node.attributes;
  return reduce(x, axes, keepDims, (elements) => sum(elements) / elements.length);
}

/** ONNX ReduceSum. */
export function reduceSum(node: Node<"ReduceSum">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  return reduce(x, node.attributes.axes, node.attributes.keepDims, sum);
}

/** ONNX ReduceMax. */
export function reduceMax(node: Node<"ReduceMax">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { axes, keepDims } = node.attributes;
  return reduce(x, axes, keepDims, (elements) => elements.reduce((a, b) => Math.max(a, b), -Infinity));
}

/** ONNX GlobalAveragePool: the mean over height and width. */
export function globalAveragePool(
  _: Node<"GlobalAveragePool">,
  [x]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  return reduce(x, [2, 3], true, (elements) => sum(elements) / elements.length);
}
