/**
 * Evaluates, at import, the graph operators that shape arithmetic and baked-in tables are made of.
 *
 * @module
 */

import { type Shape, sizeOf, stridesOf } from "../../graph/graph.ts";
import type { BinaryOperator, Operator } from "../../graph/operators.ts";
import { quantizeValue } from "../../graph/quantized_value.ts";
import type { Draft } from "../draft.ts";
import { allocate, type OnnxTensor, type OnnxType } from "../tensor.ts";
import { broadcastStrides, restride } from "./strided.ts";
import { eachPair } from "../../graph/pairs.ts";
import { eachUnary, type UnaryNumbers } from "../../graph/unary.ts";

/** The NumPy broadcast of shapes; undefined if they do not fit. */
export function broadcast(...shapes: Shape[]): number[] | undefined {
  const rank = Math.max(...shapes.map(({ length }) => length));
  const out = Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const at = rank - shape.length + axis;
      if (shape[axis] === 1) continue;
      if (out[at] !== 1 && out[at] !== shape[axis]) return undefined;
      out[at] = shape[axis];
    }
  }
  return out;
}

/** Applies a function to the elements of tensors that broadcast; undefined if they do not. */
export function zip(
  dtype: OnnxType,
  tensors: readonly OnnxTensor[],
  apply: (...values: number[]) => number,
): OnnxTensor | undefined {
  const shape = broadcast(...tensors.map((tensor) => tensor.shape));
  if (!shape) return undefined;
  const data = allocate(dtype, sizeOf(shape));
  const operands = tensors.map((tensor) => {
    if (tensor.data.length === data.length) return tensor.data;
    return restride(tensor, shape, broadcastStrides(tensor.shape, shape)).data;
  });
  const [a, b] = operands;
  // Nearly all have one or two operands, which need no list for each element.
  if (operands.length === 1) { for (let index = 0; index < data.length; index++) data[index] = apply(a[index]); }
  else if (operands.length === 2) {
    for (let index = 0; index < data.length; index++) data[index] = apply(a[index], b[index]);
  } else for (let index = 0; index < data.length; index++) data[index] = apply(...operands.map((list) => list[index]));
  return { dtype, shape, data };
}

/** Whether elements of that type are whole numbers. */
export function isInteger(dtype: OnnxType): boolean {
  return dtype !== "f32" && dtype !== "f64";
}

const ARITHMETIC: Record<BinaryOperator, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  ...eachPair((_, { value }) => value),
};

function binary(op: BinaryOperator, [a, b]: readonly OnnxTensor[]): OnnxTensor[] | undefined {
  const exact = ARITHMETIC[op];
  const result = zip(a.dtype, [a, b], isInteger(a.dtype) ? (x, y) => Math.trunc(exact(x, y)) : exact);
  return result && [result];
}

function unary(apply: (value: number) => number, [x]: readonly OnnxTensor[]): OnnxTensor[] {
  const data = allocate(x.dtype, x.data.length);
  for (let index = 0; index < data.length; index++) data[index] = apply(x.data[index]);
  return [{ dtype: x.dtype, shape: x.shape, data }];
}

function concat(axis: number, tensors: readonly OnnxTensor[]): OnnxTensor[] | undefined {
  const [first] = tensors;
  const fits = tensors.every(({ shape }) =>
    shape.length === first.shape.length &&
    shape.every((extent, index) => index === axis || extent === first.shape[index])
  );
  if (!fits) return undefined;
  const shape = [...first.shape];
  shape[axis] = tensors.reduce((sum, tensor) => sum + tensor.shape[axis], 0);
  const data = allocate(first.dtype, sizeOf(shape));
  const outer = sizeOf(shape.slice(0, axis));
  let position = 0;
  for (let block = 0; block < outer; block++) {
    for (const tensor of tensors) {
      const length = sizeOf(tensor.shape.slice(axis));
      data.set(tensor.data.subarray(block * length, (block + 1) * length), position);
      position += length;
    }
  }
  return [{ dtype: first.dtype, shape, data }];
}

function split(axis: number, sizes: readonly number[], x: OnnxTensor): OnnxTensor[] | undefined {
  const fits = sizes.every((size) => Number.isInteger(size) && size >= 0) &&
    sizes.reduce((sum, size) => sum + size, 0) === x.shape[axis];
  if (!fits) return undefined;
  const strides = stridesOf(x.shape);
  let start = 0;
  return sizes.map((size) => {
    const shape = x.shape.map((extent, index) => index === axis ? size : extent);
    const part = restride(x, shape, strides, start * strides[axis]);
    start += size;
    return part;
  });
}

function slice(attributes: Draft<"Slice">["attributes"], x: OnnxTensor): OnnxTensor[] {
  const strides = stridesOf(x.shape);
  const shape = [...x.shape], steps = [...strides];
  let origin = 0;
  attributes.axes.forEach((axis, index) => {
    const start = attributes.starts[index], step = attributes.steps[index];
    shape[axis] = Math.max(0, Math.ceil((attributes.ends[index] - start) / step));
    steps[axis] *= step;
    origin += start * strides[axis];
  });
  return [restride(x, shape, steps, origin)];
}

/** Weights that a model keeps as floats and quantizes when it runs become the bytes that they stand for. */
function quantize(axis: number, [x, scale, zeroPoint]: readonly OnnxTensor[]): OnnxTensor[] | undefined {
  const { dtype } = zeroPoint;
  const count = scale.data.length;
  const fits = count === zeroPoint.data.length && (count === 1 || count === x.shape[axis]);
  if (x.dtype !== "f32" || dtype !== "i8" && dtype !== "u8" || !fits) return undefined;
  const step = count === 1 ? x.data.length : stridesOf(x.shape)[axis];
  const bytes = allocate(dtype, x.data.length);
  x.data.forEach((value, position) => {
    const at = Math.floor(position / step) % count;
    bytes[position] = quantizeValue(value, scale.data[at], zeroPoint.data[at], dtype);
  });
  return [{ dtype, shape: x.shape, data: bytes }];
}

type Evaluator<K extends Operator> = (node: Draft<K>, inputs: readonly OnnxTensor[]) => OnnxTensor[] | undefined;

/** Operators that are evaluated; constants that meet any other stay in the graph. */
const EVALUATORS: { readonly [K in Operator]?: Evaluator<K> } = {
  Add: (node, inputs) => binary(node.op, inputs),
  Sub: (node, inputs) => binary(node.op, inputs),
  Mul: (node, inputs) => binary(node.op, inputs),
  Div: (node, inputs) => binary(node.op, inputs),
  ...eachPair((op) => (_: unknown, inputs: readonly OnnxTensor[]) => binary(op, inputs)),
  ...eachUnary((_, { value }) => (node: { attributes: UnaryNumbers }, inputs: readonly OnnxTensor[]) =>
    unary((x) => value(x, node.attributes), inputs)
  ),
  QuantizeLinear: (node, inputs) => quantize(node.attributes.axis, inputs),
  Concat: (node, inputs) => concat(node.attributes.axis, inputs),
  Split: (node, [x]) => split(node.attributes.axis, node.attributes.sizes, x),
  Slice: (node, [x]) => slice(node.attributes, x),
  Reshape: (node, [x]) => {
    const { shape } = node.attributes;
    return sizeOf(shape) === x.data.length ? [{ ...x, shape }] : undefined;
  },
  Transpose: (node, [x]) => {
    const { perm } = node.attributes;
    const strides = stridesOf(x.shape);
    if (perm.length !== strides.length || strides.some((_, axis) => !perm.includes(axis))) return undefined;
    return [restride(x, perm.map((axis) => x.shape[axis]), perm.map((axis) => strides[axis]))];
  },
};

/** Elements that evaluating the operator reads or makes, whichever is more; 0 where it is not evaluated. */
export function elementsMade(op: Operator, inputs: readonly OnnxTensor[]): number {
  if (!EVALUATORS[op] || inputs.some((input) => input === undefined)) return 0;
  const read = inputs.reduce((sum, { data }) => sum + data.length, 0);
  const joint = op === "Concat" ? undefined : broadcast(...inputs.map(({ shape }) => shape));
  return Math.max(read, joint ? sizeOf(joint) : 0);
}

/** The node's outputs, if its operator is one that is evaluated at import and its inputs fit. */
export function evaluate(node: Draft, inputs: readonly OnnxTensor[]): OnnxTensor[] | undefined {
  // The table ties each function to its operator; the compiler cannot follow that through the union.
  const evaluator = EVALUATORS[node.op] as Evaluator<Operator> | undefined;
  return evaluator?.(node, inputs);
}
