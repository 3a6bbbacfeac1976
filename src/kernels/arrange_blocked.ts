/**
 * Operators that only move elements, over row memory: for what the planner cannot do by placing tensors into one another.
 * Shaders: `shaders/tensor/gather.wgsl`, `shaders/tensor/join.wgsl`.
 *
 * @module
 */

import type { Node } from "../graph/operators.ts";
import type { KernelContext, Operand, OperandTypes, OperatorKernels } from "./context.ts";
import { blocked, type BlockedLayout, f32, i32, type Kernel, vec4i } from "./kernel.ts";
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
    parameters: {
      input: blocked(input),
      output: blocked(blockedOf(y)),
      region: blocked(region),
      start: vec4i(start),
      step: vec4i(step),
      origin: vec4i(origin),
      fill: f32(fill),
      pitch: i32(pitch),
    },
    bindings: [read(x), write(y)],
    workgroups: linearGroups(stripsOf(region)),
  };
}

function split(context: KernelContext<"Split">): Kernel[] {
  refuseEpilogue(context);
  const { node: { attributes: { axis, sizes } }, inputs: [x], pitch } = context;
  let offset = 0;
  return context.outputs.flatMap((y, i) => {
    const start = [0, 0, 0, 0];
    start[axis] = offset;
    offset += sizes[i];
    // A part that would lie in the whole has no place if nobody reads it.
    return y.layout.kind === "blocked" ? [gather(x, y, pitch, { region: blockedOf(y), start })] : [];
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

/** Parts that one dispatch joins: three inputs and the output are the storage textures that every adapter has. */
const PARTS = 3;

/** For every part of a Concat on channels: the blocks whose first channel is its own, and the parts that fall into them. */
function joints(channels: readonly number[]) {
  const begins: number[] = [];
  channels.reduce((sum, count) => (begins.push(sum), sum + count), 0);
  return channels.flatMap((count, i) => {
    const first = Math.ceil(begins[i] / 4), end = Math.ceil((begins[i] + count) / 4);
    const parts = begins.flatMap((begin, k) => k >= i && begin < 4 * end ? [{ index: k, begin }] : []);
    return first === end ? [] : [{ first, end, parts }];
  });
}

function join(context: KernelContext<"Concat">): Kernel[] {
  const { inputs, outputs: [y], pitch } = context;
  const output = blockedOf(y);
  return joints(inputs.map(({ shape }) => shape[1])).map(({ first, end, parts }): Kernel => {
    const region = { ...output, channels: 4 * (end - first) };
    const values = parts.map(({ index }) => inputs[index].value);
    const unique = [...new Set(values)];
    const sources = Object.fromEntries(values.map((value, k) => [`FROM${k}`, unique.indexOf(value)]));
    const slots = Array.from({ length: PARTS }, (_, k) => parts[Math.min(k, parts.length - 1)]);
    return {
      label: `join ${parts.length}`,
      shader: "tensor/join.wgsl",
      constants: { PARTS: parts.length, UNIQUE: unique.length, ...sources },
      parameters: {
        output: blocked(output),
        region: blocked(region),
        ...Object.fromEntries(slots.map(({ index }, k) => [`part${k}`, blocked(blockedOf(inputs[index]))])),
        begin: vec4i(slots.map(({ begin }) => begin)),
        firstBlock: i32(first),
        pitch: i32(pitch),
      },
      bindings: [write(y), ...unique.map((value) => ({ kind: "read", value } as const))],
      workgroups: linearGroups(stripsOf(region)),
    };
  });
}

function concatApplies({ attributes: { axis } }: Node<"Concat">, { inputs }: OperandTypes): boolean {
  if (inputs.some(({ constant }) => constant)) return false;
  return axis !== 1 || joints(inputs.map(({ shape }) => shape[1])).every(({ parts }) => parts.length <= PARTS);
}

/** Blocked kernels of Concat; where more than three parts meet in a block it is left to plain tensors. */
export const concatBlocked: NonNullable<OperatorKernels<"Concat">["blocked"]> = {
  applies: (node, types) => onImages(node, types) && concatApplies(node, types),
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
