/**
 * ONNX operators that give a tensor another shape; all become Reshape.
 *
 * @module
 */

import { MOST_AXES } from "../../graph/shapes/common.ts";
import type { RegroupedExtent } from "../../graph/size_rules.ts";
import { regrouped } from "../../passes/sizes/rule.ts";
import { draft, type OnnxOperator } from "../draft.ts";
import type { NodeReader } from "../reader.ts";

/** A Reshape to extents that follow from those of the input. */
function reshapeBy(node: NodeReader, extents: readonly RegroupedExtent[]) {
  return draft(node, "Reshape", { shape: regrouped(node.shape(0), extents)! }, { sizeRule: { extents } });
}

/** 0 keeps the extent of the same axis (unless `allowzero`), one -1 takes what is left. */
export const reshape: OnnxOperator = (node) => {
  const input = node.shape(0);
  const target = node.numbers(1, "shape") ?? node.fail("lacks shape");
  if (target.length > MOST_AXES) {
    node.fail(`shape has ${target.length} axes, more than the ${MOST_AXES} that are read`);
  }
  const keeps = node.int("allowzero", 0) === 0;
  const extents = target.map((extent, axis): RegroupedExtent | number => {
    if (extent === 0 && keeps) return [axis];
    return extent === -1 ? "rest" : extent;
  });
  const shape = regrouped(input, extents);
  const open = extents.filter((extent) => extent === "rest").length;
  if (!shape || open > 1 || shape.some((extent) => extent < 0)) {
    return node.fail(`cannot shape [${input.join(",")}] as [${target.join(",")}]`);
  }
  const free = extents.filter((extent) => typeof extent !== "number");
  return draft(node, "Reshape", { shape }, { sizeRule: free.length < extents.length ? undefined : { extents: free } });
};

/** To a matrix: the axes before `axis` and those from it on. */
export const flatten: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const stated = node.int("axis", 1);
  // Here the axis after the last is allowed too.
  const axis = stated < 0 ? stated + shape.length : stated;
  if (axis < 0 || axis > shape.length) node.fail(`axis ${stated} does not exist in rank ${shape.length}`);
  const all = shape.map((_, index) => index);
  return reshapeBy(node, [all.slice(0, axis), all.slice(axis)]);
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
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  // Which axes are 1 may change with the size.
  if (given === undefined) return draft(node, "Reshape", { shape: kept.map((axis) => shape[axis]) });
  return reshapeBy(node, kept.map((axis) => [axis]));
};

export const unsqueeze: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const given = givenAxes(node) ?? node.fail("lacks axes");
  const rank = shape.length + given.length;
  const axes = given.map((axis) => node.axis(axis, rank));
  if (new Set(axes).size !== axes.length) node.fail(`axes [${given.join(",")}] repeat`);
  let next = 0;
  return reshapeBy(node, Array.from({ length: rank }, (_, axis) => axes.includes(axis) ? [] : [next++]));
};
