/**
 * Shape rules of operators that slide a window over an image or change its extents: convolution, pooling, Resize.
 *
 * @module
 */

import type { Shape } from "../graph.ts";
import type { ConvAttributes, Node, Pads, Pair, PoolAttributes } from "../operators.ts";
import {
  reject,
  requireFloat,
  requireImage,
  requireIntegers,
  requireVector,
  result,
  type ShapeRule,
  show,
} from "./common.ts";

/** Extent that a kernel covers once dilated. */
function covered(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** Padded input minus the covered extent, per axis; rejects a kernel that does not fit. */
function slack(node: Node, input: Shape, kernel: Pair, pads: Pads, dilations: Pair): [number, number] {
  const room = (axis: 0 | 1) => input[2 + axis] + pads[axis] + pads[2 + axis] - covered(kernel[axis], dilations[axis]);
  const rooms: [number, number] = [room(0), room(1)];
  if (rooms[0] < 0 || rooms[1] < 0) {
    reject(
      node,
      `kernel ${kernel.join("x")} with dilations ${show(dilations)} does not fit input ${show(input)} with pads ${
        show(pads)
      }`,
    );
  }
  return rooms;
}

function checkWindow(node: Node, { strides, pads, dilations }: Omit<ConvAttributes, "groups">): void {
  requireIntegers(node, "strides", strides, 1);
  requireIntegers(node, "dilations", dilations, 1);
  requireIntegers(node, "pads", pads, 0);
}

/** Checks what both convolutions share; `channelAxis` is the weight's axis over the input's channels. */
function checkConv(
  node: Node<"Conv" | "ConvInteger" | "ConvTranspose" | "ConvWeightGradient">,
  shapes: readonly Shape[],
  channelAxis: 0 | 1,
): void {
  const [x, weight] = shapes;
  requireImage(node, x);
  checkWindow(node, node.attributes);
  const { groups } = node.attributes;
  requireIntegers(node, "groups", [groups], 1);
  if (weight.length !== 4) reject(node, `weight must have rank 4 but is ${show(weight)}`);
  const expected = channelAxis === 1 ? weight[1] * groups : weight[0];
  if (x[1] !== expected || weight[0] % groups !== 0 || x[1] % groups !== 0) {
    reject(node, `weight ${show(weight)} with ${groups} groups does not fit the ${x[1]} channels of input ${show(x)}`);
  }
}

/** `[N,C,H,W]`, `[O,C/groups,kh,kw]` -> `[N,O,H',W']`, whatever the element types. */
export function convolved(node: Node<"Conv" | "ConvInteger" | "ConvWeightGradient">, x: Shape, weight: Shape): Shape {
  checkConv(node, [x, weight], 1);
  const { strides, pads, dilations } = node.attributes;
  const rooms = slack(node, x, [weight[2], weight[3]], pads, dilations);
  return [x[0], weight[0], ...rooms.map((room, axis) => Math.floor(room / strides[axis]) + 1)];
}

/** `[N,C,H,W]`, `[O,C/groups,kh,kw]`, `[O]` -> `[N,O,H',W']`. */
export const conv: ShapeRule<"Conv"> = (node, inputs) => {
  requireFloat(node, inputs);
  const [x, weight, bias] = inputs.map((input) => input.shape);
  const shape = convolved(node, x, weight);
  if (bias) requireVector(node, "bias", bias, weight[0]);
  return result(node, "f32", shape, inputs);
};

/** `[N,C,H,W]`, `[C,O/groups,kh,kw]`, `[O]` -> `[N,O,H',W']`. */
export const convTranspose: ShapeRule<"ConvTranspose"> = (node, inputs) => {
  requireFloat(node, inputs);
  const [x, weight, bias] = inputs.map((input) => input.shape);
  checkConv(node, inputs.map((input) => input.shape), 0);
  const { strides, pads, dilations, groups, outputPadding } = node.attributes;
  const channels = weight[1] * groups;
  if (bias) requireVector(node, "bias", bias, channels);
  requireIntegers(node, "outputPadding", outputPadding, 0);
  const extent = (axis: 0 | 1) => {
    if (outputPadding[axis] >= Math.max(strides[axis], dilations[axis])) {
      reject(node, `outputPadding ${show(outputPadding)} must be below stride ${show(strides)} or dilation`);
    }
    const full = (x[2 + axis] - 1) * strides[axis] + covered(weight[2 + axis], dilations[axis]) + outputPadding[axis];
    return full - pads[axis] - pads[2 + axis];
  };
  return result(node, "f32", [x[0], channels, extent(0), extent(1)], inputs);
};

/** The pooled extents; a window that rounding up would start beyond the leading pad and the image is left off. */
export function pooled(node: Node, x: Shape, attributes: PoolAttributes): number[] {
  const { kernel, strides, pads, dilations, ceilMode } = attributes;
  requireImage(node, x);
  checkWindow(node, attributes);
  requireIntegers(node, "kernel", kernel, 1);
  // A wider pad would leave windows that hold no element at all.
  if (pads.some((pad, side) => pad >= covered(kernel[side % 2], dilations[side % 2]))) {
    reject(node, `pads ${show(pads)} must be smaller than the kernel ${kernel.join("x")}`);
  }
  const rooms = slack(node, x, kernel, pads, dilations);
  const extents = rooms.map((room, axis) => {
    if (!ceilMode) return Math.floor(room / strides[axis]) + 1;
    const count = Math.ceil(room / strides[axis]) + 1;
    return (count - 1) * strides[axis] >= x[2 + axis] + pads[axis] ? count - 1 : count;
  });
  return [x[0], x[1], ...extents];
}

/** `[N,C,H,W] -> [N,C,H',W']`; i8 and u8 as well. */
export const maxPool: ShapeRule<"MaxPool"> = (node, inputs) => {
  const { dtype } = inputs[0];
  if (dtype === "i32") requireFloat(node, inputs);
  return result(node, dtype, pooled(node, inputs[0].shape, node.attributes), inputs);
};

/** `[N,C,H,W] -> [N,C,H',W']`. */
export const averagePool: ShapeRule<"AveragePool"> = (node, inputs) => {
  requireFloat(node, inputs);
  if (node.attributes.dilations.some((dilation) => dilation !== 1)) {
    reject(node, `dilations ${show(node.attributes.dilations)} must be 1`);
  }
  return result(node, "f32", pooled(node, inputs[0].shape, node.attributes), inputs);
};

/** `[N,C,H,W] -> [N,C,1,1]`. */
export const globalAveragePool: ShapeRule<"GlobalAveragePool"> = (node, inputs) => {
  requireFloat(node, inputs);
  const [x] = inputs;
  requireImage(node, x.shape);
  return result(node, "f32", [x.shape[0], x.shape[1], 1, 1], inputs);
};

/** Requires scales that lead from the image's extents to the size. */
export function checkResize(node: Node<"Resize" | "ResizeGradient">, shape: Shape): void {
  const { size, scales } = node.attributes;
  requireIntegers(node, "size", size, 1);
  for (const axis of [0, 1] as const) {
    if (!(scales[axis] > 0) || Math.abs(shape[2 + axis] * scales[axis] - size[axis]) >= 1) {
      reject(node, `scales ${show(scales)} do not lead from input ${show(shape)} to size ${show(size)}`);
    }
  }
}

/** `[N,C,H,W] -> [N,C,size]`; the scales must lead to the size, whether it was rounded down or not. Nearest takes any type. */
export const resize: ShapeRule<"Resize"> = (node, inputs) => {
  if (node.attributes.mode !== "nearest") requireFloat(node, inputs);
  const { shape } = inputs[0];
  requireImage(node, shape);
  checkResize(node, shape);
  return result(node, inputs[0].dtype, [shape[0], shape[1], ...node.attributes.size], inputs);
};
