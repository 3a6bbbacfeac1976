/**
 * Operators that only move elements, over row memory: for what the planner cannot do by placing tensors into one another.
 * Shaders: `shaders/tensor/gather.wgsl`, `shaders/tensor/join.wgsl`.
 *
 * @module
 */

import type { Node } from "../graph/operators.ts";
import type { KernelContext, Operand, OperandTypes, OperatorKernels } from "./context.ts";
import { blocked, type BlockedLayout, blocksOf, f32, i32, type Kernel, vec4i } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { blockedOf, onImages, read, refuseEpilogue, write } from "./operand.ts";

/** What is copied where; four numbers are image, channel, y, x. */
interface Copy {
  readonly region: BlockedLayout;
  readonly start: readonly number[];
  readonly step?: readonly number[];
  readonly origin?: readonly number[];
  readonly mode?: "constant" | "edge" | "reflect";
  readonly fill?: number;
}

/** A copy of a strided part of `x` into a part of `y` that holds whole blocks. */
function gather(x: Operand, y: Operand, pitch: number, copy: Copy): Kernel {
  const { region, start, step = [1, 1, 1, 1], origin = [0, 0, 0, 0], mode = "constant", fill = 0 } = copy;
  const input = blockedOf(x);
  const aligned = step[1] === 1 && start[1] % 4 === 0 && start[1] >= 0 && start[1] + region.channels <= input.channels;
  return {
    label: mode === "constant" ? "copy" : `copy ${mode}`,
    shader: "tensor/gather.wgsl",
    constants: { MODE: mode, ALIGNED: aligned ? 1 : 0 },
    parameters: [
      blocked(input),
      blocked(blockedOf(y)),
      blocked(region),
      vec4i(start),
      vec4i(step),
      vec4i(origin),
      f32(fill),
      i32(pitch),
    ],
    bindings: [read(x), write(y)],
    workgroups: linearGroups(stripsOf(region)),
  };
}

function split(context: KernelContext<"Split">): Kernel[] {
  refuseEpilogue(context);
  const { node: { attributes: { axis, sizes } }, inputs: [x], pitch } = context;
  let offset = 0;
  return context.outputs.map((y, i) => {
    const start = [0, 0, 0, 0];
    start[axis] = offset;
    offset += sizes[i];
    return gather(x, y, pitch, { region: blockedOf(y), start });
  });
}

function slice(context: KernelContext<"Slice">): Kernel[] {
  refuseEpilogue(context);
  const { node: { attributes }, inputs: [x], outputs: [y], pitch } = context;
  const start = [0, 0, 0, 0], step = [1, 1, 1, 1];
  attributes.axes.forEach((axis, i) => {
    start[axis] = attributes.starts[i];
    step[axis] = attributes.steps[i];
  });
  return [gather(x, y, pitch, { region: blockedOf(y), start, step })];
}

function padded(context: KernelContext<"Pad">): Kernel[] {
  refuseEpilogue(context);
  const { node: { attributes: { mode, pads, value } }, inputs: [x], outputs: [y], pitch } = context;
  // Zero is subtracted from, since a minus sign would make it -0.
  const start = pads.slice(0, 4).map((pad) => 0 - pad);
  return [gather(x, y, pitch, { region: blockedOf(y), start, mode, fill: value })];
}

/** Concat on any axis but channels: every part is copied to its place. */
function place(context: KernelContext<"Concat">): Kernel[] {
  const { node: { attributes: { axis } }, inputs, outputs: [y], pitch } = context;
  let offset = 0;
  return inputs.map((x) => {
    const origin = [0, 0, 0, 0];
    origin[axis] = offset;
    offset += x.shape[axis];
    return gather(x, y, pitch, { region: blockedOf(x), start: [0, 0, 0, 0], origin });
  });
}

/** Most parts that meet in one block. */
const PARTS = 4;

/** Concat on channels: for every part, the blocks whose first channel is its own, with what of the next parts falls into them. */
function join(context: KernelContext<"Concat">): Kernel[] {
  const { inputs, outputs: [y], pitch } = context;
  const output = blockedOf(y);
  const begins: number[] = [];
  inputs.reduce((sum, { shape }) => (begins.push(sum), sum + shape[1]), 0);
  return inputs.flatMap((x, i): Kernel[] => {
    const first = Math.ceil(begins[i] / 4);
    const end = Math.ceil((begins[i] + x.shape[1]) / 4);
    if (first === end) return [];
    const parts = inputs.slice(i, i + PARTS).filter((_, k) => begins[i + k] < 4 * end);
    const unique = [...new Set(parts.map(({ value }) => value))];
    const region = { ...output, channels: 4 * (end - first) };
    const sources = Object.fromEntries(parts.map(({ value }, k) => [`FROM${k}`, unique.indexOf(value)]));
    const layouts = Array.from({ length: PARTS }, (_, k) => blockedOf(parts[Math.min(k, parts.length - 1)]));
    return [{
      label: `join ${parts.length}`,
      shader: "tensor/join.wgsl",
      constants: { PARTS: parts.length, UNIQUE: unique.length, ...sources },
      parameters: [
        blocked(output),
        blocked(region),
        ...layouts.map(blocked),
        vec4i(Array.from({ length: PARTS }, (_, k) => begins[i + k] ?? 0)),
        i32(first),
        i32(pitch),
      ],
      bindings: [write(y), ...unique.map((value) => ({ kind: "read", value } as const))],
      workgroups: linearGroups(stripsOf(region)),
    }];
  });
}

const noConstants = (_: Node, types: OperandTypes) => types.inputs.every(({ constant }) => !constant);

/** Blocked kernels of Concat. */
export const concatBlocked: NonNullable<OperatorKernels<"Concat">["blocked"]> = {
  applies: (node, types) => onImages(node, types) && noConstants(node, types),
  kernels: (context) => {
    refuseEpilogue(context);
    return context.node.attributes.axis === 1 ? join(context) : place(context);
  },
};

/** Blocked kernels of Split. */
export const splitBlocked: NonNullable<OperatorKernels<"Split">["blocked"]> = { applies: onImages, kernels: split };

/** Blocked kernels of Slice. */
export const sliceBlocked: NonNullable<OperatorKernels<"Slice">["blocked"]> = { applies: onImages, kernels: slice };

/** Blocked kernels of Pad. */
export const padBlocked: NonNullable<OperatorKernels<"Pad">["blocked"]> = { applies: onImages, kernels: padded };
