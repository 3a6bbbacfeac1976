/**
 * Gradients of convolutions: with respect to the input a convolution of the other kind by the same weight, with respect to the weight
 * ConvWeightGradient, with respect to the bias a sum.
 *
 * @module
 */

import type { ConvAttributes, Pair } from "../../graph/mod.ts";
import type { GradientContext } from "./context.ts";
import { type GradientRequest, type GradientRule, only } from "./rule.ts";

const AXES = [0, 1] as const;

function pairOf(make: (axis: 0 | 1) => number): Pair {
  return [make(0), make(1)];
}

/**
 * The attributes of the ConvTranspose that leads from the windows' extents back to those of the image. Rows at the end of the image
 * that no window reaches become output padding; a window that reaches past the end (as rounding up allows) takes from the pads.
 */
export function transposed(
  { strides, pads, dilations, groups }: ConvAttributes,
  kernel: Pair,
  image: Pair,
  windows: Pair,
): ConvAttributes & { readonly outputPadding: Pair } {
  const rest = pairOf((axis) => {
    const covered = (windows[axis] - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1;
    return image[axis] + pads[axis] + pads[2 + axis] - covered;
  });
  const beyond = pairOf((axis) => Math.max(-rest[axis], 0));
  return {
    strides,
    pads: [pads[0], pads[1], pads[2] + beyond[0], pads[3] + beyond[1]],
    dilations,
    groups,
    outputPadding: pairOf((axis) => Math.max(rest[axis], 0)),
  };
}

/** Height and width of a value `[N,C,H,W]`. */
export function imageOf(context: GradientContext, value: string): Pair {
  const [, , height, width] = context.shapeOf(value);
  return [height, width];
}

function biasGradient({ context, base }: GradientRequest, dy: string): string {
  return context.one("ReduceSum", `${base}/bias`, [dy], { axes: [0, 2, 3], keepDims: false });
}

/** Conv. */
export const conv: GradientRule<"Conv"> = (node, request) => {
  const { context, wanted, base } = request;
  const [x, weight] = node.inputs;
  const dy = only(request);
  const kernel = imageOf(context, weight);
  const back = () =>
    context.one(
      "ConvTranspose",
      `${base}/input`,
      [dy, weight],
      transposed(node.attributes, kernel, imageOf(context, x), imageOf(context, dy)),
    );
  return [
    wanted[0] ? back() : undefined,
    wanted[1]
      ? context.one("ConvWeightGradient", `${base}/weight`, [x, dy], { ...node.attributes, kernel })
      : undefined,
    wanted[2] ? biasGradient(request, dy) : undefined,
  ];
};

/** ConvTranspose: a Conv from the output to the input. */
export const convTranspose: GradientRule<"ConvTranspose"> = (node, request) => {
  const { context, wanted, base } = request;
  const [x, weight] = node.inputs;
  const dy = only(request);
  const { strides, pads, dilations, groups, outputPadding } = node.attributes;
  const attributes: ConvAttributes = { strides, pads, dilations, groups };
  const kernel = imageOf(context, weight), image = imageOf(context, x);
  // Output padding of a stride or more gives the convolution more windows at the end than x has pixels.
  const surplus = pairOf((axis) => Math.floor(outputPadding[axis] / strides[axis]));
  const back = () =>
    AXES.reduce(
      (value, axis) => context.slice(`${base}/input/part`, value, 2 + axis, 0, image[axis]),
      context.one("Conv", `${base}/input`, [dy, weight], attributes),
    );
  const weightGradient = () => {
    const padded = AXES.reduce(
      (value, axis) => context.pad(`${base}/weight/pad`, value, 2 + axis, 0, surplus[axis]),
      x,
    );
    return context.one("ConvWeightGradient", `${base}/weight`, [dy, padded], { ...attributes, kernel });
  };
  return [
    wanted[0] ? back() : undefined,
    wanted[1] ? weightGradient() : undefined,
    wanted[2] ? biasGradient(request, dy) : undefined,
  ];
};
