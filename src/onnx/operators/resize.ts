/**
 * Resize in its forms since operator set 10, and Upsample.
 *
 * @module
 */

import { isPlainScale, resizedByScales } from "../../passes/sizes/resized_extent.ts";
import type { CoordinateMode, NearestMode, OperatorAttributes, Pair } from "../../graph/operators.ts";
import { draft, type OnnxOperator } from "../draft.ts";
import type { NodeReader } from "../reader.ts";

type ResizeAttributes = OperatorAttributes["Resize"];

const COORDINATES: readonly CoordinateMode[] = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"];
const NEAREST: readonly NearestMode[] = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"];

function choice<T extends string>(node: NodeReader, name: string, absent: T, known: readonly T[]): T {
  const value = node.string(name, absent);
  return known.find((entry) => entry === value) ?? node.fail(`${name} "${value}" is not supported`);
}

function image(node: NodeReader): Pair {
  const shape = node.shape(0);
  if (shape.length !== 4) node.fail(`input [${shape.join(",")}] must have rank 4 [N,C,H,W]`);
  return [shape[2], shape[3]];
}

/** One number per axis of the image: of all four axes with the first two neutral, or of the axes that are named. */
function spatial(node: NodeReader, list: readonly number[], axes: readonly number[], neutral: readonly number[]): Pair {
  if (list.length !== axes.length) node.fail(`[${list.join(",")}] does not go with axes [${axes.join(",")}]`);
  const full = [...neutral];
  axes.forEach((axis, index) => full[axis] = list[index]);
  if (full[0] !== neutral[0] || full[1] !== neutral[1]) {
    node.fail(`resizing the batch or the channels ([${list.join(",")}]) is not supported`);
  }
  return [full[2], full[3]];
}

/** Size and scales by stated scales, and the rule where the numbers alone do not tell it. */
function byScales(input: Pair, scales: Pair) {
  return { ...resizedByScales(input, scales), sizeRule: scales.every(isPlainScale) ? undefined : { scales } };
}

/** Scales alone, pixel corners aligned, indices rounded down: Upsample, and Resize of operator set 10. */
function early(node: NodeReader, given: readonly number[]) {
  const input = image(node);
  const scales = spatial(node, given, [0, 1, 2, 3], [1, 1, 1, 1]);
  const mode = choice(node, "mode", "nearest", ["nearest", "linear"]);
  if (mode === "nearest" && scales.some((scale) => scale < 1 && !Number.isInteger(1 / scale))) {
    node.fail(`nearest downsampling by [${scales.join(",")}] differs between runtimes before operator set 11`);
  }
  const { sizeRule, ...sizes } = byScales(input, scales);
  const attributes: ResizeAttributes = { mode, coordinates: "asymmetric", nearest: "floor", ...sizes };
  return draft(node, "Resize", attributes, { sizeRule });
}

/** Scales as an attribute before operator set 9, as an input since. */
export const upsample: OnnxOperator = (node) => {
  const scales = node.opset < 9 ? node.floats("scales") : node.numbers(1, "scales");
  return early(node, scales ?? node.fail("lacks scales"));
};

export const resize: OnnxOperator = (node) => {
  if (node.opset < 11) return upsample(node);
  const input = image(node);
  if (node.int("antialias", 0) !== 0) node.fail("antialias is not supported");
  const policy = node.string("keep_aspect_ratio_policy", "stretch");
  // They matter only to modes that are refused: cubic and cropping.
  node.ignore("cubic_coeff_a", "exclude_outside", "extrapolation_value");
  const mode = choice(node, "mode", "nearest", ["nearest", "linear"]);
  const coordinates = choice(node, "coordinate_transformation_mode", "half_pixel", COORDINATES);
  const nearest = choice(node, "nearest_mode", "round_prefer_floor", NEAREST);
  const axes = (node.ints("axes") ?? [0, 1, 2, 3]).map((axis) => node.axis(axis, 4));
  const scaleList = node.numbers(2, "scales") ?? [];
  const sizeList = node.numbers(3, "sizes") ?? [];
  if ((scaleList.length > 0) === (sizeList.length > 0)) node.fail("needs either scales or sizes");
  if (scaleList.length > 0) {
    const scales = spatial(node, scaleList, axes, [1, 1, 1, 1]);
    const { sizeRule, ...sizes } = byScales(input, scales);
    return draft(node, "Resize", { mode, coordinates, nearest, ...sizes }, { sizeRule });
  }
  const stated = spatial(node, sizeList, axes, node.shape(0));
  const quotients: Pair = [stated[0] / input[0], stated[1] / input[1]];
  if (policy === "stretch") {
    return draft(node, "Resize", { mode, coordinates, nearest, size: stated, scales: quotients });
  }
  if (policy !== "not_larger" && policy !== "not_smaller") {
    node.fail(`keep_aspect_ratio_policy "${policy}" is not known`);
  }
  // One scale for the axes that are named; others stay.
  const named = quotients.filter((_, axis) => axes.includes(2 + axis));
  const scale = policy === "not_larger" ? Math.min(...named) : Math.max(...named);
  const [height, width] = [0, 1].map((axis) => axes.includes(2 + axis) ? scale : 1);
  const scales: Pair = [height, width];
  const size: Pair = [Math.floor(height * input[0] + 0.5), Math.floor(width * input[1] + 0.5)];
  return draft(node, "Resize", { mode, coordinates, nearest, size, scales });
};
