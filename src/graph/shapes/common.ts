/**
 * What the shape rules share: the form of a rule, its errors and the checks that many operators need.
 *
 * @module
 */

import { FeatherdetError } from "../error.ts";
import { type ElementType, type Shape, sizeOf, type TensorType } from "../graph.ts";
import type { Node, Operator } from "../operators.ts";

/** Derives the types of a node's outputs from those of its inputs; throws FeatherdetError where they do not fit. */
export type ShapeRule<K extends Operator> = (node: Node<K>, inputs: readonly TensorType[]) => TensorType[];

/** Kernels count elements in i32. */
export const MOST_ELEMENTS: number = 2 ** 31 - 1;

/** No model has as many axes; what is done axis by axis need not be quick for more. */
export const MOST_AXES = 64;

/** Throws the error of a node. */
export function reject(node: Node, detail: string): never {
  throw new FeatherdetError(detail, { node: node.name, operator: node.op });
}

/** A shape as text, `[1,3,640,640]`. */
export function show(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/** One result of the given element type and shape; every extent must be a positive integer. */
export function result(node: Node, dtype: ElementType, shape: Shape, inputs: readonly TensorType[]): TensorType[] {
  if (!shape.every((extent) => Number.isInteger(extent) && extent > 0)) {
    reject(
      node,
      `output shape ${show(shape)} is not positive for input ${inputs.map((x) => show(x.shape)).join(", ")}`,
    );
  }
  if (shape.length > MOST_AXES) {
    reject(node, `output has ${shape.length} axes, more than the ${MOST_AXES} that are read`);
  }
  if (sizeOf(shape) > MOST_ELEMENTS) {
    reject(node, `output shape ${show(shape)} has more elements than are counted in 32 bits`);
  }
  return [{ dtype, shape }];
}

/** Requires f32 in every input. */
export function requireFloat(node: Node, inputs: readonly TensorType[]): void {
  inputs.forEach((input, index) => {
    if (input.dtype !== "f32") reject(node, `input ${index} is ${input.dtype}, the operator needs f32`);
  });
}

/** Requires `[N,C,H,W]`. */
export function requireImage(node: Node, shape: Shape): void {
  if (shape.length !== 4) reject(node, `input must have rank 4 [N,C,H,W] but is ${show(shape)}`);
}

/** Requires `[channels]`. */
export function requireVector(node: Node, what: string, shape: Shape, channels: number): void {
  if (shape.length !== 1 || shape[0] !== channels) reject(node, `${what} must be [${channels}] but is ${show(shape)}`);
}

/** Requires whole numbers of at least `least` and below 2^31 in an attribute. */
export function requireIntegers(node: Node, what: string, values: readonly number[], least: number): void {
  if (!values.every((value) => Number.isInteger(value) && value >= least)) {
    reject(node, `${what} ${show(values)} must be whole numbers of at least ${least}`);
  }
  // Kernels have them in i32, and so would a file that is written.
  if (values.some((value) => value > MOST_ELEMENTS)) reject(node, `${what} ${show(values)} must be below 2^31`);
}

/** Requires an axis of a tensor of that shape. */
export function requireAxis(node: Node, axis: number, shape: Shape): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) {
    reject(node, `axis ${axis} is not an axis of ${show(shape)}`);
  }
}

/** The NumPy broadcast of two shapes; undefined if they do not fit. */
export function broadcast(a: Shape, b: Shape): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[a.length - rank + axis] ?? 1;
    const right = b[b.length - rank + axis] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    out.push(left === 1 ? right : left);
  }
  return out;
}
