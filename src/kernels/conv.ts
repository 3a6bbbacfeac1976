/**
 * Kernels of both convolutions: which of them computes a given one.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Node } from "../graph/operators.ts";
import type { KernelContext, MixedLayouts, OperandTypes, OperatorKernels } from "./context.ts";
import { depthwiseApplies, depthwiseConv } from "./conv_depthwise.ts";
import { type ConvStep, directConv, directConvApplies } from "./conv_direct.ts";
import { generalConv } from "./conv_general.ts";
import { stepOf } from "./conv_step.ts";
import { chooseTile } from "./conv_tile.ts";
import {
  depthwiseTransposedApplies,
  depthwiseTransposedConv,
  transposedConv,
  transposedConvApplies,
} from "./conv_transposed.ts";
import type { Kernel } from "./kernel.ts";
import { int8Conv } from "./int8/conv.ts";
import { onImages } from "./operand.ts";

/** True where the weights, all of them, are constants, or values. */
const withWeights = (kind: "constant" | "value") => (node: Node, types: OperandTypes): boolean =>
  onImages(node, { ...types, inputs: types.inputs.slice(0, 1) }) &&
  types.inputs.slice(1).every(({ constant }) => (constant ? "constant" : "value") === kind);

/** The stride-1 convolution that a transposed one is, its taps backwards; undefined for others. */
function asConvolution(step: ConvStep): ConvStep | undefined {
  const { strides, dilations, pads } = step.attributes;
  const [kh, kw] = step.weight.shape.slice(2);
  if (!step.transposed || [...strides, ...dilations].some((n) => n !== 1)) return undefined;
  const back = [kh - 1, kw - 1, kh - 1, kw - 1].map((most, i) => most - pads[i]) as [number, number, number, number];
  return { ...step, attributes: { ...step.attributes, pads: back } };
}

function convKernels(context: KernelContext<"Conv" | "ConvTranspose">): Kernel[] {
  const { pitch, tile, target, floatWeights, node } = context;
  const given = stepOf(context);
  const step = given.transposed ? asConvolution(given) : given;
  if (step && directConvApplies(step)) {
    const computed = { ...step.y.layout, channels: step.weight.shape[0] };
    const chosen = tile ?? chooseTile(step.weight.shape[2], step.attributes.strides[0], computed, target);
    return directConv(step, chosen, pitch, { target, floatWeights });
  }
  if (given.gate || given.firstChannel || given.interleaved) {
    throw new FeatherdetError("no gate, part of the input or shuffle can be fused into this kernel", {
      node: node.name,
      operator: node.op,
    });
  }
  if (transposedConvApplies(given)) return transposedConv(given, pitch, target);
  if (depthwiseTransposedApplies(given)) return depthwiseTransposedConv(given, pitch, target);
  return step && depthwiseApplies(step) ? depthwiseConv(step, pitch) : generalConv(given, pitch);
}

/** Operands of a convolution whose weights change from run to run. */
const withTrainedWeights = (node: Node): MixedLayouts => ({
  inputs: node.inputs.map((_, i) => i === 0 ? "blocked" : "plain"),
  outputs: ["blocked"],
});

/** Kernels of Conv, over maps in row memory. */
export const conv: OperatorKernels<"Conv"> = {
  blocked: {
    applies: withWeights("constant"),
    kernels: (context) => {
      const inBytes = int8Conv(context);
      return inBytes ? [inBytes] : convKernels(context);
    },
  },
  mixed: { applies: withWeights("value"), layouts: withTrainedWeights, kernels: convKernels },
};

/** Kernels of ConvTranspose, over maps in row memory. */
export const convTranspose: OperatorKernels<"ConvTranspose"> = {
  blocked: { applies: withWeights("constant"), kernels: convKernels },
  mixed: { applies: withWeights("value"), layouts: withTrainedWeights, kernels: convKernels },
};
