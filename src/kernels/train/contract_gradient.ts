/**
 * Gradients of Softmax and of the maximum over axes, of plain tensors, and the sum of each channel of a map in row memory, which is the
 * gradient of a bias. Shaders: `shaders/train/plain_softmax_gradient.wgsl`, `plain_reduce_max_gradient.wgsl`, `channel_partials.wgsl`,
 * `channel_totals.wgsl`.
 *
 * @module
 */

import { sizeOf, stridesOf } from "../../graph/graph.ts";
import type { KernelContext, OperatorKernels } from "../context.ts";
import { blocked, f32, i32, type Kernel } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { blockedOf, read, readPlain, refuseEpilogue, write } from "../operand.ts";
import { reductionWalk } from "../strided.ts";
import { partialsOf, partsOf, SUMMED } from "./parts.ts";

function softmax(context: KernelContext<"SoftmaxGradient">): Kernel {
  refuseEpilogue(context);
  const { node, inputs: [y, dy], outputs: [dx] } = context;
  const { axis } = node.attributes;
  const extent = y.shape[axis];
  const lines = sizeOf(y.shape) / extent;
  return {
    label: `softmax gradient plain ${extent}`,
    shader: "train/plain_softmax_gradient.wgsl",
    constants: {},
    parameters: { lines: i32(lines), extent: i32(extent), step: i32(stridesOf(y.shape)[axis]) },
    bindings: [readPlain(node, y), readPlain(node, dy), write(dx)],
    workgroups: linearGroups(lines),
  };
}

/** Kernels of SoftmaxGradient; plain only. */
export const softmaxGradient: OperatorKernels<"SoftmaxGradient"> = {
  plain: { kernels: (context) => [softmax(context)] },
};

function reduceMax(context: KernelContext<"ReduceMaxGradient">): Kernel {
  refuseEpilogue(context);
  const { node, inputs: [x, dy], outputs: [dx] } = context;
  const { rank, parameters } = reductionWalk(x.shape, node.attributes.axes);
  return {
    label: "reducemax gradient plain",
    shader: "train/plain_reduce_max_gradient.wgsl",
    constants: { RANK: rank },
    parameters: { ...parameters, size: i32(sizeOf(dy.shape)) },
    bindings: [readPlain(node, x), readPlain(node, dy), write(dx)],
    workgroups: linearGroups(sizeOf(dy.shape)),
  };
}

/** Kernels of ReduceMaxGradient; plain only. */
export const reduceMaxGradient: OperatorKernels<"ReduceMaxGradient"> = {
  plain: { kernels: (context) => [reduceMax(context)] },
};

function sumOfChannels(context: KernelContext<"ReduceSum">): Kernel[] {
  refuseEpilogue(context);
  const { pitch, target, inputs: [x], outputs: [y] } = context;
  const input = blockedOf(x);
  const parts = partsOf(input, SUMMED, target);
  const partials = partialsOf(input, parts);
  return [
    {
      label: "sums of parts",
      shader: "train/channel_partials.wgsl",
      constants: { ...parts.teams.constants, MODE: "sum" },
      parameters: {
        input: blocked(input),
        gradient: blocked(input),
        rows: i32(parts.rows),
        parts: i32(parts.parts),
        pitch: i32(pitch),
        activationA: f32(0),
        activationB: f32(0),
      },
      bindings: [read(x), partials],
      workgroups: parts.teams.workgroups,
    },
    {
      label: "sums of channels",
      shader: "train/channel_totals.wgsl",
      constants: { ...parts.blockTeams.constants, MODE: "sum" },
      parameters: { input: blocked(input), parts: i32(parts.parts) },
      bindings: [partials, write(y)],
      workgroups: parts.blockTeams.workgroups,
    },
  ];
}

/** The sum of each channel of a map in row memory, plain `[C]` or `[1,C,1,1]`. */
export const channelSum: NonNullable<OperatorKernels<"ReduceSum">["mixed"]> = {
  applies: ({ attributes: { axes } }, { inputs: [{ shape, dtype, constant }] }) =>
    axes.join() === "0,2,3" && shape.length === 4 && dtype === "f32" && constant === undefined &&
    sizeOf(shape) > 0,
  layouts: () => ({ inputs: ["blocked"], outputs: ["plain"] }),
  kernels: sumOfChannels,
};
