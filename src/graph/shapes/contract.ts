/**
 * Shape rules of operators that sum over axes: matrix products and reductions.
 *
 * @module
 */

import type { Shape } from "../graph.ts";
import type { Node } from "../operators.ts";
import { broadcast, reject, requireAxis, requireFloat, result, type ShapeRule, show } from "./common.ts";

/** `[M,K]`, `[K,N]` (either stored transposed), optional C that broadcasts to `[M,N]` -> `[M,N]`. */
export const gemm: ShapeRule<"Gemm"> = (node, inputs) => {
  requireFloat(node, inputs);
  const [a, b, c] = inputs.map((input) => input.shape);
  if (a.length !== 2 || b.length !== 2) reject(node, `${show(a)} and ${show(b)} must be matrices`);
  const { transposeA, transposeB } = node.attributes;
  const [rows, depth] = transposeA ? [a[1], a[0]] : a;
  const [depthB, columns] = transposeB ? [b[1], b[0]] : b;
  if (depth !== depthB) {
    reject(
      node,
      `inner extents of ${show(a)}${transposeA ? " transposed" : ""} and ${show(b)}${
        transposeB ? " transposed" : ""
      } differ`,
    );
  }
  if (c) {
    const joint = broadcast(c, [rows, columns]);
    if (joint?.length !== 2 || joint[0] !== rows || joint[1] !== columns) {
      reject(node, `C ${show(c)} does not broadcast to [${rows},${columns}]`);
    }
  }
  return result(node, "f32", [rows, columns], inputs);
};

/** `[...,M,K]`, `[...,K,N]` -> `[...,M,N]`, whatever the element types. */
export function matrixProduct(node: Node<"MatMul" | "MatMulInteger">, a: Shape, b: Shape): Shape {
  if (a.length < 2 || b.length < 2) reject(node, `${show(a)} and ${show(b)} must have rank 2 or more`);
  if (a[a.length - 1] !== b[b.length - 2]) reject(node, `inner extents of ${show(a)} and ${show(b)} differ`);
  const lead = broadcast(a.slice(0, -2), b.slice(0, -2)) ??
    reject(node, `leading axes of ${show(a)} and ${show(b)} do not broadcast`);
  return [...lead, a[a.length - 2], b[b.length - 1]];
}

/** `[...,M,K]`, `[...,K,N]` -> `[...,M,N]`. */
export const matMul: ShapeRule<"MatMul"> = (node, inputs) => {
  requireFloat(node, inputs);
  return result(node, "f32", matrixProduct(node, inputs[0].shape, inputs[1].shape), inputs);
};

/** Any shape, with the reduced axes as 1 or left out. */
export const reduce: ShapeRule<"ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMaxGradient"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { shape } = inputs[0];
  const { axes, keepDims } = node.attributes;
  if (axes.length === 0) reject(node, "must reduce at least one axis");
  for (const axis of axes) requireAxis(node, axis, shape);
  if (axes.some((axis, index) => index > 0 && axis <= axes[index - 1])) {
    reject(node, `axes ${show(axes)} must be ascending`);
  }
  const kept = keepDims
    ? shape.map((extent, axis) => axes.includes(axis) ? 1 : extent)
    : shape.filter((_, axis) => !axes.includes(axis));
  return result(node, "f32", kept, inputs);
};
