/**
 * Gradients of pooling and of Resize.
 *
 * @module
 */

import type { Node } from "../../graph/mod.ts";
import type { GradientContext } from "./context.ts";
import { imageOf, transposed } from "./conv.ts";
import { type GradientRule, only } from "./rule.ts";

/** To the greatest element of each window. */
export const maxPool: GradientRule<"MaxPool"> = (node, request) => [
  request.context.one("MaxPoolGradient", request.base, [node.inputs[0], only(request)], node.attributes),
];

/** The reciprocal of how many elements each window averages, `[1,1,H',W']`, or one number where all windows have as many. */
function shares(context: GradientContext, node: Node<"AveragePool">): string {
  const { kernel, strides, pads, countIncludePad } = node.attributes;
  const image = imageOf(context, node.inputs[0]), windows = imageOf(context, node.outputs[0]);
  const counts = ([0, 1] as const).map((axis) =>
    Array.from({ length: windows[axis] }, (_, i) => {
      const start = i * strides[axis] - pads[axis], end = start + kernel[axis];
      // What rounding up adds beyond the pads is never counted.
      return countIncludePad
        ? Math.min(end, image[axis] + pads[2 + axis]) - start
        : Math.min(end, image[axis]) - Math.max(start, 0);
    })
  );
  const all = counts[0].flatMap((rows) => counts[1].map((columns) => 1 / (rows * columns)));
  if (all.every((share) => share === all[0])) return context.full([], all[0]);
  return context.shared(
    `gradient/${node.name}/shares`,
    [1, 1, ...windows],
    () => Float32Array.from(all),
  );
}

/** Every element of a window has its share: a ConvTranspose of ones, channel by channel. */
export const averagePool: GradientRule<"AveragePool"> = (node, request) => {
  const { context, base } = request;
  const { kernel, strides, pads, dilations } = node.attributes;
  const [x] = node.inputs;
  const channels = context.shapeOf(x)[1];
  const dy = only(request);
  const shared = context.one("Mul", `${base}/shared`, [dy, shares(context, node)], {});
  const windows = { strides, pads, dilations, groups: channels };
  const attributes = transposed(windows, kernel, imageOf(context, x), imageOf(context, dy));
  return [context.one("ConvTranspose", base, [shared, context.full([channels, 1, ...kernel], 1)], attributes)];
};

/** Every pixel has an equal share. */
export const globalAveragePool: GradientRule<"GlobalAveragePool"> = (node, request) => {
  const { context, base } = request;
  const shape = context.shapeOf(node.inputs[0]);
  return [context.expand(base, only(request), shape, 1 / (shape[2] * shape[3]))];
};

/** Back to what each pixel was mixed from. */
export const resize: GradientRule<"Resize"> = (node, request) => {
  const { context, base } = request;
  const attributes = { ...node.attributes, from: imageOf(context, node.inputs[0]) };
  return [context.one("ResizeGradient", base, [only(request)], attributes)];
};
