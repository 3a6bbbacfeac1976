/**
 * Kernels of quantization-aware training: values and weights that have only the values which few bits can stand for. Shaders:
 * `shaders/tensor/unary.wgsl`, `shaders/tensor/plain_unary.wgsl`, `shaders/train/fake_quantize_weights.wgsl`.
 *
 * @module
 */

import { sizeOf } from "../../graph/graph.ts";
import { type Activation, FAKE_QUANTIZE } from "../activation.ts";
import type { KernelContext, OperatorKernels } from "../context.ts";
import { i32, type Kernel } from "../kernel.ts";
import { onImages, readPlain, refuseEpilogue, write } from "../operand.ts";
import { manyTeams } from "../team.ts";
import { unaryBlocked, unaryPlain } from "../unary.ts";

/** The function of an element; no fusion knows it. */
function rounding({ node: { attributes } }: KernelContext<"FakeQuantize">): Activation {
  return { ...FAKE_QUANTIZE, a: attributes.scale, b: attributes.zeroPoint };
}

/** Kernels of FakeQuantize. */
export const fakeQuantize: OperatorKernels<"FakeQuantize"> = {
  blocked: {
    applies: onImages,
    kernels: (context) => {
      refuseEpilogue(context);
      const { inputs: [x], outputs: [y], pitch } = context;
      return [unaryBlocked("fake quantize", x, y, rounding(context), pitch)];
    },
  },
  plain: {
    kernels: (context) => {
      refuseEpilogue(context);
      const { inputs: [x], outputs: [y] } = context;
      return [unaryPlain("fake quantize", x, y, rounding(context))];
    },
  },
};

function overWeights(context: KernelContext<"FakeQuantizeWeights">): Kernel {
  refuseEpilogue(context);
  const { node, inputs: [weight], outputs: [y], target } = context;
  const { bits } = node.attributes;
  const [channels] = weight.shape;
  const { constants, workgroups } = manyTeams(channels, target);
  return {
    label: `fake quantize weights ${bits}`,
    shader: "train/fake_quantize_weights.wgsl",
    constants: { BITS: bits, ...constants },
    parameters: { channels: i32(channels), size: i32(sizeOf(weight.shape.slice(1))) },
    bindings: [readPlain(node, weight), write(y)],
    workgroups,
  };
}

/** Kernels of FakeQuantizeWeights; convolutions whose weights change read them as plain numbers. */
export const fakeQuantizeWeights: OperatorKernels<"FakeQuantizeWeights"> = {
  plain: { kernels: (context) => [overWeights(context)] },
};
