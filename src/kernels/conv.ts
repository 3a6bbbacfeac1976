/**
 * Kernels of both convolutions: which of them computes a given one.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Node } from "../graph/operators.ts";
import type { KernelContext, OperandTypes, OperatorKernels } from "./context.ts";
import { depthwiseApplies, depthwiseConv } from "./conv_depthwise.ts";
import { directConv, directConvApplies } from "./conv_direct.ts";
import { generalConv } from "./conv_general.ts";
import { stepOf } from "./conv_step.ts";
import { chooseTile } from "./conv_tile.ts";
import type { Kernel } from "./kernel.ts";
import { int8Conv } from "./int8/conv.ts";
import { onImages } from "./operand.ts";

function applies(node: Node, types: OperandTypes): boolean {
  return onImages(node, types) && types.inputs.slice(1).every(({ constant }) => constant);
}

function convKernel(context: KernelContext<"Conv">): Kernel {
  const inBytes = int8Conv(context);
  if (inBytes) return inBytes;
  const { pitch, tile, target } = context;
  const step = stepOf(context);
  if (directConvApplies(step)) {
    const computed = { ...step.y.layout, channels: step.weight.shape[0] };
    const chosen = tile ?? chooseTile(step.weight.shape[2], step.attributes.strides[0], computed, target);
    return directConv(step, chosen, pitch, target);
  }
  if (step.gate || step.firstChannel || step.interleaved) {
    throw new FeatherdetError("no gate, part of the input or shuffle can be fused into this kernel", {
      node: step.name,
      operator: "Conv",
    });
  }
  return depthwiseApplies(step) ? depthwiseConv(step, pitch) : generalConv(step, pitch, false);
}

/** Kernels of Conv; in row memory only, with constant weights. */
export const conv: OperatorKernels<"Conv"> = {
  blocked: { applies, kernels: (context) => [convKernel(context)] },
};

/** Kernels of ConvTranspose; in row memory only, with constant weights. */
export const convTranspose: OperatorKernels<"ConvTranspose"> = {
  blocked: { applies, kernels: (context) => [generalConv(stepOf(context), context.pitch, true)] },
};
