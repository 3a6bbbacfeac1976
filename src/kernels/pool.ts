/**
 * Pooling windows and reductions of whole axes over row memory. Shaders: `shaders/tensor/pool*.wgsl`.
 *
 * @module
 */

import type { Node } from "../graph/operators.ts";
import type { KernelContext, OperandTypes, OperatorKernels } from "./context.ts";
import { blocked, f32, i32, type Kernel, vec2i } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { blockedOf, onImages, read, refuseEpilogue, write } from "./operand.ts";
import { teamsOf } from "./team.ts";

/** Largest window that is written out flat. */
const FLAT = 5;

function window(context: KernelContext<"MaxPool" | "AveragePool">): Kernel {
  refuseEpilogue(context);
  const { node, pitch, inputs: [x], outputs: [y] } = context;
  const { kernel, strides, pads, dilations } = node.attributes;
  const input = blockedOf(x), output = blockedOf(y);
  const common = { bindings: [read(x), write(y)], workgroups: linearGroups(stripsOf(output)) };
  const [k, s] = [kernel[0], strides[0]];
  const square = k === kernel[1] && s === strides[1] && k <= FLAT && s <= 2 && dilations.every((d) => d === 1);
  if (node.op === "MaxPool" && square) {
    return {
      label: `maxpool ${k}x${k} s${s}`,
      shader: "tensor/pool_flat.wgsl",
      constants: { K: k, S: s },
      parameters: { input: blocked(input), output: blocked(output), pad: vec2i(pads[1], pads[0]), pitch: i32(pitch) },
      ...common,
    };
  }
  return {
    label: `${node.op.toLowerCase()} ${kernel[0]}x${kernel[1]}`,
    shader: "tensor/pool.wgsl",
    constants: { MODE: node.op === "MaxPool" ? "maximum" : "average" },
    parameters: {
      input: blocked(input),
      output: blocked(output),
      kernel: vec2i(kernel[1], kernel[0]),
      stride: vec2i(strides[1], strides[0]),
      pad: vec2i(pads[1], pads[0]),
      dilation: vec2i(dilations[1], dilations[0]),
      limit: vec2i(input.width + pads[3], input.height + pads[2]),
      countPad: i32(node.op === "AveragePool" && node.attributes.countIncludePad ? 1 : 0),
      pitch: i32(pitch),
    },
    ...common,
  };
}

/** Kernels of both poolings; in row memory only. */
export const pool: OperatorKernels<"MaxPool" | "AveragePool"> = {
  blocked: { applies: onImages, kernels: (context) => [window(context)] },
};

type Reduction = "sum" | "mean" | "maximum";

/** Reduces height and width, or the channels, of an image. */
function reduction(context: KernelContext, mode: Reduction, over: "pixels" | "channels"): Kernel {
  refuseEpilogue(context);
  const { pitch, target, inputs: [x], outputs: [y] } = context;
  const input = blockedOf(x), output = blockedOf(y);
  const combine = mode === "maximum" ? "maximum" : "sum";
  const { constants, workgroups } = over === "pixels"
    ? teamsOf(output, target)
    : { constants: {}, workgroups: linearGroups(stripsOf(output)) };
  const count = over === "pixels" ? input.width * input.height : input.channels;
  return {
    label: `${mode} of ${over}`,
    shader: over === "pixels" ? "tensor/pool_global.wgsl" : "tensor/pool_channels.wgsl",
    constants: { ...constants, COMBINE: combine },
    parameters: {
      input: blocked(input),
      output: blocked(output),
      factor: f32(mode === "mean" ? 1 / count : 1),
      pitch: i32(pitch),
    },
    bindings: [read(x), write(y)],
    workgroups,
  };
}

type ReduceOperator = "ReduceMean" | "ReduceSum" | "ReduceMax";

const REDUCTION: { readonly [K in ReduceOperator]: Reduction } = {
  ReduceMean: "mean",
  ReduceSum: "sum",
  ReduceMax: "maximum",
};

/** What a reduction runs over, where row memory has a kernel for it. */
function reduced({ attributes: { axes, keepDims } }: Node<ReduceOperator>): "pixels" | "channels" | undefined {
  if (!keepDims) return undefined;
  return axes.join() === "2,3" ? "pixels" : axes.join() === "1" ? "channels" : undefined;
}

/** Blocked kernels of the reductions: over height and width, or over channels. */
export const reduceBlocked: NonNullable<OperatorKernels<ReduceOperator>["blocked"]> = {
  applies: (node, types: OperandTypes) => onImages(node, types) && reduced(node) !== undefined,
  kernels: (context) => [reduction(context, REDUCTION[context.node.op], reduced(context.node)!)],
};

/** Kernels of GlobalAveragePool; in row memory only. */
export const globalAveragePool: OperatorKernels<"GlobalAveragePool"> = {
  blocked: { applies: onImages, kernels: (context) => [reduction(context, "mean", "pixels")] },
};
