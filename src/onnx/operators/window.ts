/**
 * ONNX operators that slide a window over an image: convolutions and pooling.
 *
 * @module
 */

import type { TensorType } from "../../graph/graph.ts";
import { inferNode } from "../../graph/infer.ts";
import type { ConvAttributes, Node, Pads, Pair, PoolAttributes } from "../../graph/operators.ts";
import type { SamePads } from "../../graph/size_rules.ts";
import { samePads, sameTransposedPads, transposedPads } from "../../passes/sizes/pads.ts";
import { ALIAS, draft, type OnnxOperator } from "../draft.ts";
import { DraftList } from "../draft_list.ts";
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
  if (list.length === 2 && node.hasWidthAlone) return [0, list[0], 0, list[1]];
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

/**
 * An operator over images, for inputs `[N,C,L]` as well: these are images of height 1, and so are weights.
 */
function overWidths(operator: OnnxOperator): OnnxOperator {
  return (node) => {
    if (node.shape(0).length !== 3) return operator(node);
    const list = new DraftList(node);
    const types = new Map<string, TensorType>();
    const inputs = node.inputs.map((input, index) => {
      const type = index < 2 && input ? node.type(index) : undefined;
      if (type?.shape.length !== 3) return input;
      const [n, c, width] = type.shape, shape = [n, c, 1, width];
      const known = node.tensor(index);
      if (known) return node.enter("wide", { ...known, shape });
      const wide = list.regroup(input, type.shape, [[0], [1], [], [2]]);
      types.set(wide, { ...type, shape });
      return wide;
    });
    const inner = node.over(inputs, [node.freshValue("wide"), ...node.outputs.slice(1)], types, true);
    const made = operator(inner);
    if (made === ALIAS || made.length !== 1) return node.fail("over one spatial axis is not supported");
    const [only] = made;
    const [{ shape }] = inferNode(
      { ...only, name: node.name } as Node,
      only.inputs.map((name) => types.get(name) ?? inner.type(inputs.indexOf(name))),
    );
    list.take(only);
    list.regroup(only.outputs[0], shape, [[0], [1], [2, 3]]);
    return list.finish();
  };
}

export const conv: OnnxOperator = overWidths((node) => {
  const { attributes, sizeRule } = convolution(node);
  return draft(node, "Conv", attributes, { inputs: node.operands(2, 3), sizeRule });
});

export const convTranspose: OnnxOperator = overWidths((node) => {
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
  const [height, width] = node.hasWidthAlone ? [1, ...stated.slice(-1)] : stated.slice(-2);
  if (width === undefined) node.fail(`output_shape [${stated.join(",")}] has not two spatial axes`);
  const { pads, missing } = transposedPads(image, sliding, [height, width], rule);
  const { outputPadding: [below, right] } = attributes;
  const outputPadding: Pair = [below + missing[0], right + missing[1]];
  return draft(node, "ConvTranspose", { ...attributes, pads, outputPadding }, { inputs });
});

function pool(node: NodeReader): { attributes: PoolAttributes; sizeRule?: SamePads } {
  extents(node);
  const kernel = node.pair("kernel_shape", node.hasWidthAlone ? [1, 0] : [0, 0]);
  const { sizeRule, ...rest } = window(node, kernel);
  return { attributes: { kernel, ...rest, ceilMode: node.int("ceil_mode", 0) !== 0 }, sizeRule };
}

export const maxPool: OnnxOperator = overWidths((node) => {
  node.ignore("storage_order");
  node.onlyFirstOutput("indices output");
  const { attributes, sizeRule } = pool(node);
  return draft(node, "MaxPool", attributes, { sizeRule });
});

export const averagePool: OnnxOperator = overWidths((node) => {
  const { attributes, sizeRule } = pool(node);
  const countIncludePad = node.int("count_include_pad", 0) !== 0;
  return draft(node, "AveragePool", { ...attributes, countIncludePad }, { sizeRule });
});

/** All axes behind the channels; fails where there are none. */
function spatialAxes(node: NodeReader): number[] {
  const shape = node.shape(0);
  if (shape.length < 3) node.fail(`input [${shape.join(",")}] has no spatial axes`);
  return shape.map((_, axis) => axis).slice(2);
}

export const globalAveragePool: OnnxOperator = (node) => {
  const axes = spatialAxes(node);
  if (axes.length === 2) return draft(node, "GlobalAveragePool", {});
  return draft(node, "ReduceMean", { axes, keepDims: true });
};

export const globalMaxPool: OnnxOperator = (node) =>
  draft(node, "ReduceMax", { axes: spatialAxes(node), keepDims: true });
