/**
 * ONNX operators that slide a window over an image: convolutions and pooling.
 *
 * @module
 */

import type { ConvAttributes, Pads, Pair, PoolAttributes } from "../../graph/operators.ts";
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

/** Shares out the padding of two axes; the odd element goes to the end for SAME_UPPER, to the begin for SAME_LOWER. */
function share(total: Pair, upper: boolean): Pads {
  const less = total.map((amount) => Math.floor(amount / 2));
  const more = total.map((amount) => Math.ceil(amount / 2));
  const [begin, end] = upper ? [less, more] : [more, less];
  return [begin[0], begin[1], end[0], end[1]];
}

/** Strides, pads and dilations with `auto_pad` resolved. */
function window(node: NodeReader, kernel: Pair): Window & { followsSize: boolean } {
  const input = extents(node);
  const strides = node.pair("strides", [1, 1]);
  const dilations = node.pair("dilations", [1, 1]);
  const auto = node.string("auto_pad", "NOTSET");
  const pads = givenPads(node);
  switch (auto) {
    case "NOTSET":
    case "":
      return { strides, dilations, pads, followsSize: false };
    case "VALID":
      return { strides, dilations, pads: NO_PADS, followsSize: false };
    case "SAME_UPPER":
    case "SAME_LOWER": {
      const total = (axis: 0 | 1) => {
        const covered = dilations[axis] * (kernel[axis] - 1) + 1;
        return Math.max(0, (Math.ceil(input[axis] / strides[axis]) - 1) * strides[axis] + covered - input[axis]);
      };
      return { strides, dilations, pads: share([total(0), total(1)], auto === "SAME_UPPER"), followsSize: true };
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

/** Attributes of a convolution, and whether they follow the input's size. */
export function convolution(node: NodeReader): { attributes: ConvAttributes; followsSize: boolean } {
  const { followsSize, ...attributes } = window(node, weightKernel(node));
  return { attributes: { ...attributes, groups: node.int("group", 1) }, followsSize };
}

export const conv: OnnxOperator = (node) => {
  const { attributes, followsSize } = convolution(node);
  return draft(node, "Conv", attributes, { inputs: node.operands(2, 3), followsSize });
};

/** Pads that make a transposed convolution end at the given extents, and what is missing where even no pads fall short. */
function padsForOutput(node: NodeReader, covered: Pair, output: readonly number[], upper: boolean) {
  const surplus = covered.map((extent, axis) => extent - output[axis]);
  if (output.length !== 2) node.fail(`output_shape [${output.join(",")}] has not two spatial axes`);
  const positive = (sign: 1 | -1): Pair => [Math.max(0, sign * surplus[0]), Math.max(0, sign * surplus[1])];
  return { pads: share(positive(1), upper), missing: positive(-1) };
}

export const convTranspose: OnnxOperator = (node) => {
  const kernel = weightKernel(node);
  const { followsSize, ...attributes } = window(node, kernel);
  const outputPadding = node.pair("output_padding", [0, 0]);
  const groups = node.int("group", 1);
  const inputs = node.operands(2, 3);
  const stated = node.ints("output_shape");
  if (!stated && !followsSize) {
    return draft(node, "ConvTranspose", { ...attributes, groups, outputPadding }, { inputs });
  }
  const input = extents(node);
  const { strides, dilations } = attributes;
  const reach = (axis: 0 | 1) =>
    strides[axis] * (input[axis] - 1) + outputPadding[axis] + dilations[axis] * (kernel[axis] - 1) + 1;
  // The extents to reach: as stated (some exporters put batch and channels before them), or stride times input.
  const output = stated?.slice(-2) ?? [input[0] * strides[0], input[1] * strides[1]];
  // Unlike in a convolution, everything but SAME_UPPER puts the odd element first.
  const upper = node.string("auto_pad", "NOTSET") === "SAME_UPPER";
  const { pads, missing } = padsForOutput(node, [reach(0), reach(1)], output, upper);
  if (!stated && (missing[0] > 0 || missing[1] > 0)) {
    // The standard wants stride times input, runtimes stop at what the kernel covers.
    node.fail(`auto_pad with kernel ${kernel.join("x")} below strides [${strides.join(",")}] is not supported`);
  }
  const grown: Pair = [outputPadding[0] + missing[0], outputPadding[1] + missing[1]];
  return draft(node, "ConvTranspose", { ...attributes, pads, groups, outputPadding: grown }, {
    inputs,
    followsSize: !stated,
  });
};

function pool(node: NodeReader): { attributes: PoolAttributes; followsSize: boolean } {
  extents(node);
  const kernel = node.pair("kernel_shape", [0, 0]);
  const { followsSize, ...rest } = window(node, kernel);
  return { attributes: { kernel, ...rest, ceilMode: node.int("ceil_mode", 0) !== 0 }, followsSize };
}

export const maxPool: OnnxOperator = (node) => {
  node.ignore("storage_order");
  node.onlyFirstOutput("indices output");
  const { attributes, followsSize } = pool(node);
  return draft(node, "MaxPool", attributes, { followsSize });
};

export const averagePool: OnnxOperator = (node) => {
  const { attributes, followsSize } = pool(node);
  const countIncludePad = node.int("count_include_pad", 0) !== 0;
  return draft(node, "AveragePool", { ...attributes, countIncludePad }, { followsSize });
};

export const globalAveragePool: OnnxOperator = (node) => {
  extents(node);
  return draft(node, "GlobalAveragePool", {});
};

export const globalMaxPool: OnnxOperator = (node) => {
  extents(node);
  return draft(node, "ReduceMax", { axes: [2, 3], keepDims: true });
};
