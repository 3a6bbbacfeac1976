/**
 * ONNX operators that slide a window over an image: convolutions and pooling.
 *
 * @module
 */

import type { ConvAttributes, Pads, Pair, PoolAttributes } from "../../graph/operators.ts";
import type { SamePads } from "../../graph/size_rules.ts";
import { samePads, sameTransposedPads, transposedPads } from "../../passes/sizes/pads.ts";
import { draft, type OnnxOperator } from "../draft.ts";
import type { NodeReader } from "../reader.ts";

type Window = Pick<ConvAttributes, "strides" | "pads" | "dilations">;

const NO_PADS: Pads = [0, 0, 0, 0];

/** Spatial extents of the first input; fails unless there are two. */
function extents(node: NodeReader): Pair {
  const shape = node.shape(0);
  if (shape.length !== 4) {
    node.fail(`input [${shape.join(",")}] must have rank 4; only two spatial axes are supported`);
  }
  return [shape[2], shape[3]];
}

/** The pads as the model gives them; absent ones are zero. */
function givenPads(node: NodeReader): Pads {
  const list = node.ints("pads");
  if (!list) return NO_PADS;
  if (list.length !== 4) node.fail(`attribute "pads" [${list.join(",")}] has not four sides`);
  return [list[0], list[1], list[2], list[3]];
}

/** Strides, pads and dilations with `auto_pad` resolved. */
function window(node: NodeReader, kernel: Pair): Window & { sizeRule?: SamePads } {
  const input = extents(node);
  const strides = node.pair("strides", [1, 1]);
  const dilations = node.pair("dilations", [1, 1]);
  const auto = node.string("auto_pad", "NOTSET");
  const pads = givenPads(node);
  switch (auto) {
    case "NOTSET":
    case "":
      return { strides, dilations, pads };
    case "VALID":
      return { strides, dilations, pads: NO_PADS };
    case "SAME_UPPER":
    case "SAME_LOWER": {
      const sizeRule: SamePads = { odd: auto === "SAME_UPPER" ? "end" : "begin" };
      return { strides, dilations, pads: samePads(input, { kernel, strides, dilations }, sizeRule), sizeRule };
    }
    default:
      return node.fail(`auto_pad "${auto}" is not known`);
  }
}

/** The kernel's extents from the weight; `kernel_shape` may repeat them. */
function weightKernel(node: NodeReader): Pair {
  const weight = node.shape(1);
  if (weight.length !== 4) {
    node.fail(`weight [${weight.join(",")}] must have rank 4; only two spatial axes are supported`);
  }
  const kernel: Pair = [weight[2], weight[3]];
  const stated = node.pair("kernel_shape", kernel);
  if (stated[0] !== kernel[0] || stated[1] !== kernel[1]) {
    node.fail(`kernel_shape [${stated.join(",")}] contradicts the weight [${weight.join(",")}]`);
  }
  return kernel;
}

/** Attributes of a convolution, and how they follow the input's size. */
export function convolution(node: NodeReader): { attributes: ConvAttributes; sizeRule?: SamePads } {
  const { sizeRule, ...attributes } = window(node, weightKernel(node));
  return { attributes: { ...attributes, groups: node.int("group", 1) }, sizeRule };
}

export const conv: OnnxOperator = (node) => {
  const { attributes, sizeRule } = convolution(node);
  return draft(node, "Conv", attributes, { inputs: node.operands(2, 3), sizeRule });
};

export const convTranspose: OnnxOperator = (node) => {
  const kernel = weightKernel(node);
  const { sizeRule, ...rest } = window(node, kernel);
  const attributes = { ...rest, groups: node.int("group", 1), outputPadding: node.pair("output_padding", [0, 0]) };
  const inputs = node.operands(2, 3);
  const stated = node.ints("output_shape");
  if (!stated && !sizeRule) return draft(node, "ConvTranspose", attributes, { inputs });
  // Unlike in a convolution, everything but SAME_UPPER puts the odd element first.
  const rule: SamePads = sizeRule ?? { odd: "begin" };
  const image = extents(node), sliding = { ...attributes, kernel };
  if (!stated) {
    const pads = sameTransposedPads(image, sliding, rule);
    return draft(node, "ConvTranspose", { ...attributes, pads }, { inputs, sizeRule });
  }
  // Some exporters put batch and channels before the extents.
  const [height, width, ...more] = stated.slice(-2);
  if (width === undefined || more.length > 0) {
    node.fail(`output_shape [${stated.slice(-2).join(",")}] has not two spatial axes`);
  }
  const { pads, missing } = transposedPads(image, sliding, [height, width], rule);
  const { outputPadding: [below, right] } = attributes;
  const outputPadding: Pair = [below + missing[0], right + missing[1]];
  return draft(node, "ConvTranspose", { ...attributes, pads, outputPadding }, { inputs });
};

function pool(node: NodeReader): { attributes: PoolAttributes; sizeRule?: SamePads } {
  extents(node);
  const kernel = node.pair("kernel_shape", [0, 0]);
  const { sizeRule, ...rest } = window(node, kernel);
  return { attributes: { kernel, ...rest, ceilMode: node.int("ceil_mode", 0) !== 0 }, sizeRule };
}

export const maxPool: OnnxOperator = (node) => {
  node.ignore("storage_order");
  node.onlyFirstOutput("indices output");
  const { attributes, sizeRule } = pool(node);
  return draft(node, "MaxPool", attributes, { sizeRule });
};

export const averagePool: OnnxOperator = (node) => {
  const { attributes, sizeRule } = pool(node);
  const countIncludePad = node.int("count_include_pad", 0) !== 0;
  return draft(node, "AveragePool", { ...attributes, countIncludePad }, { sizeRule });
};

export const globalAveragePool: OnnxOperator = (node) => {
  extents(node);
  return draft(node, "GlobalAveragePool", {});
};

export const globalMaxPool: OnnxOperator = (node) => {
  extents(node);
  return draft(node, "ReduceMax", { axes: [2, 3], keepDims: true });
};
