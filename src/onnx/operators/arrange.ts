/**
 * ONNX operators that pick, join and move elements.
 *
 * @module
 */

import { boundsWithin, equalParts } from "../../passes/sizes/rule.ts";
import { ALIAS, type Draft, draft, type OnnxOperator } from "../draft.ts";
import type { NodeReader } from "../reader.ts";

/** From here on exporters mean "to the end" (int32's largest number; int64's is larger still). */
const TO_THE_END = 2 ** 31 - 1;

export const concat: OnnxOperator = (node) => {
  const inputs = node.operands(1);
  if (!node.gives("axis")) node.fail(`lacks attribute "axis"`);
  return draft(node, "Concat", { axis: node.axis(node.int("axis", 0), node.shape(0).length) }, { inputs });
};

export const split: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const axis = node.axis(node.int("axis", 0), shape.length);
  const given = node.opset < 13 ? node.ints("split") : node.numbers(1, "sizes");
  const count = node.int("num_outputs", node.outputs.length);
  if (count !== node.outputs.length) node.fail(`num_outputs ${count} but ${node.outputs.length} outputs`);
  const outputs = node.outputs.map((name, index) => name || node.fail(`output ${index} has no name`));
  if (given) return draft(node, "Split", { axis, sizes: given }, { outputs });
  const sizeRule = { uneven: node.opset >= 18 };
  return draft(node, "Split", { axis, sizes: equalParts(shape[axis], count, sizeRule) }, { outputs, sizeRule });
};

/** Attributes before operator set 10, inputs since. */
function sliceLists(node: NodeReader) {
  const list = (name: string, index: number) => node.opset < 10 ? node.ints(name) : node.numbers(index, name);
  const starts = list("starts", 1) ?? node.fail("lacks starts");
  const ends = list("ends", 2) ?? node.fail("lacks ends");
  const axes = list("axes", 3) ?? starts.map((_, index) => index);
  const steps = node.opset < 10 ? starts.map(() => 1) : list("steps", 4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length)) {
    node.fail(
      `${starts.length} starts, ${ends.length} ends, ${axes.length} axes and ${steps.length} steps do not match`,
    );
  }
  return { starts, ends, axes, steps };
}

export const slice: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const given = sliceLists(node);
  const axes = given.axes.map((axis) => node.axis(axis, shape.length));
  const { steps } = given;
  const { starts, ends } = boundsWithin(shape, { axes, steps }, given);
  // Bounds counted from the end move with it; those counted from the front may be an extent that the exporter fixed.
  const follows = given.ends.every((end) => end < 0 || end >= TO_THE_END);
  const sizeRule = follows ? { starts: given.starts, ends: given.ends } : undefined;
  return draft(node, "Slice", { axes, starts, ends, steps }, { sizeRule });
};

export const transpose: OnnxOperator = (node) => {
  const rank = node.shape(0).length;
  const perm = node.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return draft(node, "Transpose", { perm });
};

/** Elements at fixed indices: one, or evenly spaced ones, as Slice (and Reshape where the axis goes away). */
export const gather: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const axis = node.axis(node.int("axis", 0), shape.length);
  const indices = node.known(1, "indices") ?? node.fail("lacks indices");
  const numbers = Array.from(indices.data, (index) => index < 0 ? index + shape[axis] : index);
  const step = numbers.length > 1 ? numbers[1] - numbers[0] : 1;
  const even = numbers.every((index, position) => index === numbers[0] + position * step);
  if (indices.shape.length > 1 || numbers.length === 0 || !even || step === 0) {
    node.fail(`indices [${numbers.join(",")}] are not evenly spaced, not supported`);
  }
  const [start] = numbers;
  const attributes = { axes: [axis], starts: [start], ends: [start + numbers.length * step], steps: [step] };
  if (step < 0) attributes.ends = [Math.max(-1, attributes.ends[0])];
  if (indices.shape.length === 1) return draft(node, "Slice", attributes);
  const kept = `${node.outputs[0]}/kept`;
  return [
    ...draft(node, "Slice", attributes, { outputs: [kept] }),
    ...draft(node, "Reshape", { shape: shape.filter((_, index) => index !== axis) }, { inputs: [kept] }),
  ];
};

const PAD_MODES = ["constant", "reflect", "edge"] as const;

/** Attributes before operator set 11, inputs since; since 18 with a choice of axes. */
export const pad: OnnxOperator = (node) => {
  const rank = node.shape(0).length;
  const asInputs = node.opset >= 11;
  const given = (asInputs ? node.numbers(1, "pads") : node.ints("pads")) ?? node.fail("lacks pads");
  const value = asInputs ? node.scalar(2, "value", 0) : node.float("value", 0);
  const chosen = asInputs && node.has(3) ? node.numbers(3, "axes") : undefined;
  const axes = chosen?.map((axis) => node.axis(axis, rank)) ?? Array.from({ length: rank }, (_, axis) => axis);
  const name = node.string("mode", "constant");
  const mode = PAD_MODES.find((known) => known === name) ?? node.fail(`mode "${name}" is not supported`);
  if (given.length !== 2 * axes.length) node.fail(`${given.length} pads do not go with ${axes.length} axes`);
  if (given.some((amount) => amount < 0)) node.fail(`negative pads [${given.join(",")}] are not supported`);
  const pads = Array<number>(2 * rank).fill(0);
  axes.forEach((axis, index) => {
    pads[axis] = given[index];
    pads[rank + axis] = given[axes.length + index];
  });
  return draft(node, "Pad", { mode, pads, value });
};

/** Only where it changes nothing: everything else broadcasts where it is used. */
export const expand: OnnxOperator = (node): Draft[] | typeof ALIAS => {
  const shape = node.shape(0);
  const target = node.numbers(1, "shape") ?? node.fail("lacks shape");
  const offset = shape.length - target.length;
  const same = offset >= 0 && target.every((extent, index) => extent === 1 || extent === shape[offset + index]);
  if (!same) node.fail(`expanding [${shape.join(",")}] to [${target.join(",")}] is supported only for constants`);
  return ALIAS;
};
