/**
 * The Graph: a plain, printable list of nodes in topological order over named values, with its constants.
 *
 * Shapes are logical (NCHW as in ONNX); memory layout is the plan's business. A Graph is never changed in place: passes return
 * a new one that shares what did not change.
 *
 * @module
 */

import type { Node } from "./operators.ts";

/** Extents of a tensor, outermost axis first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Element types of values and constants. */
export type ElementType = "f32" | "i32" | "i8" | "u8";

/** Type of a value: element type and shape. */
export interface TensorType {
  /** Type of every element. */
  readonly dtype: ElementType;
  /** Extents, all positive. */
  readonly shape: Shape;
}

/** Elements of a constant, in the array class of its element type. */
export type ConstantData = Float32Array | Int32Array | Int8Array | Uint8Array;

/** A constant tensor (weight, bias, statistics, baked-in table), row-major. */
export interface Constant extends TensorType {
  /** As many elements as the shape has. */
  readonly data: ConstantData;
}

/** An input of the graph. */
export interface GraphInput extends TensorType {
  /** Name of the value, and of the input in a run. */
  readonly name: string;
}

/** A whole model. */
export interface Graph {
  /** Name of the model. */
  readonly name: string;
  /** Inputs of a run, in order. */
  readonly inputs: readonly GraphInput[];
  /** Names of the values that leave the graph, in order. */
  readonly outputs: readonly string[];
  /** In topological order: every input of a node is a graph input, a constant or an earlier node's output. */
  readonly nodes: readonly Node[];
  /** Constants by the name of their value. */
  readonly constants: ReadonlyMap<string, Constant>;
  /** Free text that travels with the model (class names, stride, how it was made). */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Elements between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}
