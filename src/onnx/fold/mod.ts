/**
 * ONNX operators that exist only at import: they make constants, or compute with shapes and constants.
 *
 * @module
 */

import { type Shape, sizeOf, stridesOf } from "../../graph/graph.ts";
import { walk } from "../../graph/walk.ts";
import { roundHalfEven } from "../../graph/quantized_value.ts";
import { cumSum, gatherElements, scatterND, trilu } from "./places.ts";
import { reduction } from "../operators/contract.ts";
import type { NodeReader } from "../reader.ts";
import { allocate, elementType, type OnnxTensor, type OnnxType, tensorOf } from "../tensor.ts";
import { broadcast, isInteger, zip } from "./evaluate.ts";
import { broadcastStrides, restride } from "./strided.ts";

/** Computes a node whose inputs are known; throws FeatherdetError where it cannot. */
export type Fold = (node: NodeReader) => OnnxTensor;

function input(node: NodeReader, index: number): OnnxTensor {
  return node.known(index, `input ${index}`) ?? node.fail(`lacks input ${index}`);
}

/** A shape that the model computed, to be filled now; refused where that would fill the memory. */
function checkedShape(node: NodeReader, numbers: readonly number[]): Shape {
  if (!numbers.every((extent) => Number.isInteger(extent) && extent >= 0)) {
    node.fail(`cannot make a constant of shape [${numbers.join(",")}]`);
  }
  node.spend(sizeOf(numbers));
  return numbers;
}

/** Elements of tensors that broadcast, combined; the result has the given type, or that of the operand after `typeFrom`. */
function map(apply: (...values: number[]) => number, as: OnnxType | { typeFrom: number }): Fold {
  return (node) => {
    const count = Math.max(1, apply.length, node.inputs.length);
    const tensors = Array.from({ length: count }, (_, index) => input(node, index));
    const dtype = typeof as === "string" ? as : tensors[as.typeFrom].dtype;
    const joint = broadcast(...tensors.map(({ shape }) => shape));
    // Each operand is brought to the joint shape.
    if (joint) node.spend(sizeOf(joint) * count);
    return zip(dtype, tensors, apply) ??
      node.fail(`shapes ${tensors.map(({ shape }) => `[${shape.join(",")}]`).join(" and ")} do not broadcast`);
  };
}

const same = { typeFrom: 0 };

const constant: Fold = (node) => {
  const value = node.tensorAttribute("value");
  if (value) return value;
  if (node.gives("value_float")) return tensorOf("f32", [], [node.float("value_float", 0)]);
  if (node.gives("value_int")) return tensorOf("i64", [], [node.int("value_int", 0)]);
  const floats = node.floats("value_floats");
  if (floats && node.gives("value_floats")) return tensorOf("f32", [floats.length], floats);
  const ints = node.ints("value_ints");
  if (ints && node.gives("value_ints")) return tensorOf("i64", [ints.length], ints);
  return node.fail("holds no dense number or tensor");
};

const constantOfShape: Fold = (node) => {
  const value = node.tensorAttribute("value") ?? tensorOf("f32", [1], [0]);
  const shape = checkedShape(node, Array.from(input(node, 0).data));
  const data = allocate(value.dtype, sizeOf(shape));
  return { dtype: value.dtype, shape, data: data.fill(value.data[0]) };
};

const shapeOf: Fold = (node) => {
  const shape = node.shape(0);
  const part = shape.slice(node.int("start", 0), node.gives("end") ? node.int("end", 0) : undefined);
  return tensorOf("i64", [part.length], part);
};

const size: Fold = (node) => tensorOf("i64", [], [sizeOf(node.shape(0))]);

const cast: Fold = (node) => {
  const x = input(node, 0);
  node.ignore("saturate", "round_mode");
  const number = node.int("to", 0);
  const { name, dtype = node.fail(`casting to ${name} is not supported`) } = elementType(number);
  const convert = dtype === "bool" ? (value: number) => Number(value !== 0) : isInteger(dtype) ? Math.trunc : undefined;
  return tensorOf(dtype, x.shape, convert ? Array.from(x.data, convert) : x.data);
};

const range: Fold = (node) => {
  const [start, limit, delta] = [0, 1, 2].map((index) => node.scalar(index, "bound", NaN));
  const [count] = checkedShape(node, [Math.max(0, Math.ceil((limit - start) / delta))]);
  return tensorOf(input(node, 0).dtype, [count], Array.from({ length: count }, (_, index) => start + index * delta));
};

const expand: Fold = (node) => {
  const x = input(node, 0);
  const target = Array.from(input(node, 1).data);
  const rank = Math.max(x.shape.length, target.length);
  const at = (shape: Shape, axis: number) => shape[axis - rank + shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, axis) => {
    const own = at(x.shape, axis), wanted = at(target, axis);
    if (own !== wanted && own !== 1 && wanted !== 1) node.fail(`cannot expand [${x.shape}] to [${target}]`);
    return own === 1 ? wanted : own;
  });
  return restride(x, checkedShape(node, shape), broadcastStrides(x.shape, shape));
};

const tile: Fold = (node) => {
  const x = input(node, 0);
  const repeats = Array.from(input(node, 1).data);
  if (repeats.length !== x.shape.length) node.fail(`${repeats.length} repeats do not go with [${x.shape.join(",")}]`);
  // Repeating an axis is walking it from the start again: an axis of stride 0 before it.
  const own = stridesOf(x.shape);
  const shape = x.shape.flatMap((extent, axis) => [repeats[axis], extent]);
  const tiled = restride(x, checkedShape(node, shape), own.flatMap((stride) => [0, stride]));
  return { ...tiled, shape: x.shape.map((extent, axis) => extent * repeats[axis]) };
};

const gather: Fold = (node) => {
  const x = input(node, 0), indices = input(node, 1);
  const axis = node.axis(node.int("axis", 0), x.shape.length);
  const before = x.shape.slice(0, axis), after = x.shape.slice(axis + 1);
  const shape = [...before, ...indices.shape, ...after];
  const data = allocate(x.dtype, sizeOf(checkedShape(node, shape)));
  const inner = sizeOf(after), extent = x.shape[axis];
  let next = 0;
  for (let outer = 0; outer < sizeOf(before); outer++) {
    for (const index of indices.data) {
      const front = index < 0 ? index + extent : index;
      if (!(front >= 0 && front < extent)) node.fail(`index ${index} is outside [${x.shape.join(",")}]`);
      const from = (outer * extent + front) * inner;
      data.set(x.data.subarray(from, from + inner), next);
      next += inner;
    }
  }
  return { dtype: x.dtype, shape, data };
};

const mod: Fold = (node) => {
  const truncated = node.int("fmod", 0) !== 0;
  // Without fmod the sign is the divisor's, as in Python.
  return map((a, b) => truncated ? a % b : a - b * Math.floor(a / b), same)(node);
};

/** A reduction of whole numbers and booleans, from a start; floats are reduced by the graph. */
function reduced(start: number, combine: (sum: number, value: number) => number, axesAreInputSince: number): Fold {
  return (node) => {
    const x = input(node, 0);
    const { axes, keepDims } = reduction(node, axesAreInputSince);
    const shape = x.shape.map((extent, axis) => axes.includes(axis) ? 1 : extent);
    const data = new Float64Array(sizeOf(shape)).fill(start);
    let next = 0;
    walk(x.shape, broadcastStrides(shape, x.shape), 0, (position) => {
      data[position] = combine(data[position], x.data[next++]);
    });
    const kept = keepDims ? shape : shape.filter((_, axis) => !axes.includes(axis));
    return tensorOf(x.dtype, kept, x.dtype === "bool" ? data.map((value) => Number(value > 0)) : data);
  };
}

/** Functions of nodes whose inputs are all known. `Shape` and `Size` need to know no more than the input's type. */
export const FOLDS: Readonly<Record<string, Fold>> = {
  Abs: map(Math.abs, same),
  And: map((a, b) => a && b, "bool"),
  Cast: cast,
  Ceil: map(Math.ceil, same),
  Constant: constant,
  ConstantOfShape: constantOfShape,
  CumSum: cumSum,
  Equal: map((a, b) => Number(a === b), "bool"),
  Expand: expand,
  Floor: map(Math.floor, same),
  Gather: gather,
  GatherElements: gatherElements,
  Greater: map((a, b) => Number(a > b), "bool"),
  GreaterOrEqual: map((a, b) => Number(a >= b), "bool"),
  Less: map((a, b) => Number(a < b), "bool"),
  LessOrEqual: map((a, b) => Number(a <= b), "bool"),
  Max: map((...values) => Math.max(...values), same),
  Min: map((...values) => Math.min(...values), same),
  Mod: mod,
  Not: map((a) => Number(!a), "bool"),
  Or: map((a, b) => a || b, "bool"),
  Pow: map(Math.pow, same),
  Range: range,
  ReduceMax: reduced(-Infinity, Math.max, 18),
  ReduceMin: reduced(Infinity, Math.min, 18),
  ReduceProd: reduced(1, (product, value) => product * value, 18),
  ReduceSum: reduced(0, (sum, value) => sum + value, 13),
  Round: map(roundHalfEven, same),
  ScatterND: scatterND,
  Shape: shapeOf,
  Sign: map(Math.sign, same),
  Size: size,
  Tile: tile,
  Trilu: trilu,
  Xor: map((a, b) => Number(a !== b), "bool"),
  Where: map((condition, a, b) => condition ? a : b, { typeFrom: 1 }),
};

/** Whether the node can be folded from the types of its inputs alone. */
export function needsTypesOnly(op: string): boolean {
  return op === "Shape" || op === "Size";
}
