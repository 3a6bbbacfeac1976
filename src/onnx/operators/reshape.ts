/**
 * ONNX operators that give a tensor another shape; all become Reshape.
 *
 * @module
 */

import { sizeOf } from "../../graph/graph.ts";
import { draft, type OnnxOperator } from "../draft.ts";
import type { NodeReader } from "../reader.ts";

function reshapeTo(node: NodeReader, shape: readonly number[], followsSize: boolean) {
  return draft(node, "Reshape", { shape }, { followsSize });
}

/** 0 keeps the extent of the same axis (unless `allowzero`), one -1 takes what is left. */
export const reshape: OnnxOperator = (node) => {
  const input = node.shape(0);
  const target = node.numbers(1, "shape") ?? node.fail("lacks shape");
  const keeps = node.int("allowzero", 0) === 0;
  const bad = () => node.fail(`cannot shape [${input.join(",")}] as [${target.join(",")}]`);
  const extents = target.map((extent, axis) => extent === 0 && keeps ? input[axis] ?? bad() : extent);
  const open = extents.indexOf(-1);
  if (extents.some((extent, axis) => extent < 0 && axis !== open)) bad();
  if (open >= 0) {
    const rest = sizeOf(extents.filter((_, axis) => axis !== open));
    extents[open] = sizeOf(input) / rest;
  }
  if (!extents.every(Number.isInteger)) bad();
  return reshapeTo(node, extents, target.every((extent) => extent <= 0));
};

/** To a matrix: the axes before `axis` and those from it on. */
export const flatten: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const stated = node.int("axis", 1);
  // Here the axis after the last is allowed too.
  const axis = stated < 0 ? stated + shape.length : stated;
  if (axis < 0 || axis > shape.length) node.fail(`axis ${stated} does not exist in rank ${shape.length}`);
  return reshapeTo(node, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))], true);
};

/** Axes as an attribute before operator set 13, as an input since. */
function givenAxes(node: NodeReader): number[] | undefined {
  return node.opset < 13 ? node.ints("axes") : node.numbers(1, "axes");
}

export const squeeze: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const given = givenAxes(node)?.map((axis) => node.axis(axis, shape.length));
  const axes = given ?? shape.map((_, axis) => axis).filter((axis) => shape[axis] === 1);
  const wide = axes.find((axis) => shape[axis] !== 1);
  if (wide !== undefined) node.fail(`cannot squeeze axis ${wide} of [${shape.join(",")}]`);
  return reshapeTo(node, shape.filter((_, axis) => !axes.includes(axis)), given !== undefined);
};

export const unsqueeze: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const given = givenAxes(node) ?? node.fail("lacks axes");
  const rank = shape.length + given.length;
  const axes = given.map((axis) => node.axis(axis, rank));
  if (new Set(axes).size !== axes.length) node.fail(`axes [${given.join(",")}] repeat`);
  const rest = [...shape];
  const out = Array.from({ length: rank }, (_, axis) => axes.includes(axis) ? 1 : rest.shift()!);
  return reshapeTo(node, out, true);
};
