/**
 * Shape rules of operators that only move elements; any element type.
 *
 * @module
 */

import { sizeOf } from "../graph.ts";
import { reject, requireAxis, requireFloat, requireIntegers, result, type ShapeRule, show } from "./common.ts";

/** Shapes that differ along one axis -> their sum there. */
export const concat: ShapeRule<"Concat"> = (node, inputs) => {
  const { axis } = node.attributes;
  const first = inputs[0];
  requireAxis(node, axis, first.shape);
  for (const input of inputs) {
    const fits = input.shape.length === first.shape.length &&
      input.shape.every((extent, index) => index === axis || extent === first.shape[index]);
    if (!fits) reject(node, `shapes ${show(first.shape)} and ${show(input.shape)} differ outside axis ${axis}`);
    if (input.dtype !== first.dtype) reject(node, `inputs mix ${first.dtype} and ${input.dtype}`);
  }
  const total = inputs.reduce((sum, input) => sum + input.shape[axis], 0);
  return result(node, first.dtype, first.shape.map((extent, index) => index === axis ? total : extent), inputs);
};

/** One shape -> as many as there are sizes. */
export const split: ShapeRule<"Split"> = (node, inputs) => {
  const { axis, sizes } = node.attributes;
  const { shape, dtype } = inputs[0];
  requireAxis(node, axis, shape);
  requireIntegers(node, "sizes", sizes, 1);
  if (sizes.length !== node.outputs.length) {
    reject(node, `has ${node.outputs.length} outputs for sizes ${show(sizes)}`);
  }
  if (sizes.reduce((sum, size) => sum + size, 0) !== shape[axis]) {
    reject(node, `sizes ${show(sizes)} do not add up to axis ${axis} of ${show(shape)}`);
  }
  return sizes.map((size) => ({ dtype, shape: shape.map((extent, index) => index === axis ? size : extent) }));
};

/** Any shape -> fewer elements along the sliced axes. */
export const slice: ShapeRule<"Slice"> = (node, inputs) => {
  const { axes, starts, ends, steps } = node.attributes;
  const { shape, dtype } = inputs[0];
  if ([starts, ends, steps].some((list) => list.length !== axes.length)) {
    reject(node, `${axes.length} axes go with ${starts.length} starts, ${ends.length} ends and ${steps.length} steps`);
  }
  if (new Set(axes).size !== axes.length) reject(node, `axes ${show(axes)} repeat`);
  const out = [...shape];
  axes.forEach((axis, index) => {
    requireAxis(node, axis, shape);
    const start = starts[index], end = ends[index], step = steps[index];
    const inside = [start, end, step].every(Number.isInteger) && step !== 0 && start >= 0 && start < shape[axis] &&
      (step > 0 ? end <= shape[axis] : end >= -1);
    const count = Math.ceil((end - start) / step);
    if (!inside || !(count > 0)) {
      reject(node, `start ${start}, end ${end}, step ${step} select nothing valid on axis ${axis} of ${show(shape)}`);
    }
    out[axis] = count;
  });
  return result(node, dtype, out, inputs);
};

/** Any shape -> any of as many elements. */
export const reshape: ShapeRule<"Reshape"> = (node, inputs) => {
  const { shape } = node.attributes;
  const input = inputs[0];
  if (sizeOf(shape) !== sizeOf(input.shape)) {
    reject(
      node,
      `cannot shape the ${sizeOf(input.shape)} elements of ${show(input.shape)} as ${show(shape)} (${sizeOf(shape)})`,
    );
  }
  return result(node, input.dtype, shape, inputs);
};

/** Axes in another order. */
export const transpose: ShapeRule<"Transpose"> = (node, inputs) => {
  const { perm } = node.attributes;
  const { shape, dtype } = inputs[0];
  if (perm.length !== shape.length || shape.some((_, axis) => !perm.includes(axis))) {
    reject(node, `perm ${show(perm)} does not order the axes of ${show(shape)}`);
  }
  return result(node, dtype, perm.map((axis) => shape[axis]), inputs);
};

/** Any shape, grown on every side. */
export const pad: ShapeRule<"Pad"> = (node, inputs) => {
  const { mode, pads } = node.attributes;
  const { shape, dtype } = inputs[0];
  const rank = shape.length;
  if (pads.length !== 2 * rank) reject(node, `${pads.length} pads do not go with input ${show(shape)}`);
  requireIntegers(node, "pads", pads, 0);
  if (mode === "reflect" && pads.some((amount, side) => amount >= shape[side % rank])) {
    reject(node, `reflecting pads ${show(pads)} must be smaller than input ${show(shape)}`);
  }
  return result(node, dtype, shape.map((extent, axis) => pads[axis] + extent + pads[rank + axis]), inputs);
};

/** Any shape -> k along the axis, twice: the elements and their places. */
export const topK: ShapeRule<"TopK"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { axis, k } = node.attributes;
  const { shape } = inputs[0];
  requireAxis(node, axis, shape);
  requireIntegers(node, "k", [k], 1);
  if (k > shape[axis]) reject(node, `k ${k} is more than axis ${axis} of ${show(shape)} has`);
  const chosen = shape.map((extent, index) => index === axis ? k : extent);
  return [...result(node, "f32", chosen, inputs), ...result(node, "i32", chosen, inputs)];
};

/** Two shapes of one rank, of which the second is no larger but along the axis -> the second. */
export const gatherElements: ShapeRule<"GatherElements"> = (node, inputs) => {
  const [x, places] = inputs, { axis } = node.attributes;
  requireAxis(node, axis, x.shape);
  if (places.dtype !== "i32") reject(node, `places are ${places.dtype}, the operator needs i32`);
  const fits = places.shape.length === x.shape.length &&
    places.shape.every((extent, index) => index === axis || extent <= x.shape[index]);
  if (!fits) reject(node, `places ${show(places.shape)} do not fit ${show(x.shape)} along axis ${axis}`);
  return result(node, x.dtype, places.shape, inputs);
};
