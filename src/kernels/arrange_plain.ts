/**
 * Operators that only move elements, over plain tensors: Concat, Split, Slice and Transpose are one strided copy each part.
 * Shaders: `shaders/tensor/plain_copy.wgsl`, `shaders/tensor/plain_pad.wgsl`.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { type Shape, sizeOf, stridesOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import type { KernelContext, Operand } from "./context.ts";
import { f32, i32, type Kernel } from "./kernel.ts";
import { linearGroups } from "./linear.ts";
import { readPlain, refuseEpilogue, write } from "./operand.ts";
import { axes, collapse, RANK } from "./strided.ts";

/** A side of a copy: where the first element lies, and the step along each axis of the copied block. */
interface Side {
  readonly operand: Operand;
  readonly offset: number;
  readonly steps: readonly number[];
}

function copy(node: Node, extents: Shape, from: Side, to: Side): Kernel {
  const { extents: merged, steps: [stepsFrom, stepsTo] } = collapse(extents, [from.steps, to.steps]);
  if (merged.length > RANK) {
    throw new FeatherdetError(`has more than ${RANK} axes`, { node: node.name, operator: node.op });
  }
  const size = sizeOf(extents);
  return {
    label: "copy plain",
    shader: "tensor/plain_copy.wgsl",
    constants: { RANK: merged.length },
    parameters: {
      extents: axes(merged),
      stepsX: axes(stepsFrom),
      stepsY: axes(stepsTo),
      size: i32(size),
      offsetX: i32(from.offset),
      offsetY: i32(to.offset),
    },
    bindings: [readPlain(node, from.operand), write(to.operand)],
    workgroups: linearGroups(size),
  };
}

const whole = (operand: Operand): Side => ({ operand, offset: 0, steps: stridesOf(operand.shape) });

/** Plain kernels of Concat. */
export function concatPlain(context: KernelContext<"Concat">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs, outputs: [y] } = context;
  const steps = stridesOf(y.shape);
  let offset = 0;
  return inputs.map((x) => {
    const to = { operand: y, offset, steps };
    offset += x.shape[node.attributes.axis] * steps[node.attributes.axis];
    return copy(node, x.shape, whole(x), to);
  });
}

/** Plain kernels of Reshape: a constant is copied; of a value that was computed the planner lets the output stand where it does. */
export function reshapePlain(context: KernelContext<"Reshape">): Kernel[] {
  const { node, inputs: [x], outputs: [y] } = context;
  return x.constant ? [copy(node, x.shape, whole(x), { operand: y, offset: 0, steps: stridesOf(x.shape) })] : [];
}

/** Plain kernels of Split. */
export function splitPlain(context: KernelContext<"Split">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs } = context;
  const steps = stridesOf(x.shape);
  let offset = 0;
  return outputs.map((y) => {
    const from = { operand: x, offset, steps };
    offset += y.shape[node.attributes.axis] * steps[node.attributes.axis];
    return copy(node, y.shape, from, whole(y));
  });
}

/** Plain kernels of Slice. */
export function slicePlain(context: KernelContext<"Slice">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [y] } = context;
  const { axes, starts, steps: every } = node.attributes;
  const strides = stridesOf(x.shape);
  const offset = axes.reduce((sum, axis, i) => sum + starts[i] * strides[axis], 0);
  const steps = strides.map((stride, axis) => axes.includes(axis) ? stride * every[axes.indexOf(axis)] : stride);
  return [copy(node, y.shape, { operand: x, offset, steps }, whole(y))];
}

/** Plain kernels of Transpose. */
export function transposePlain(context: KernelContext<"Transpose">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [y] } = context;
  const strides = stridesOf(x.shape);
  const steps = node.attributes.perm.map((axis) => strides[axis]);
  return [copy(node, y.shape, { operand: x, offset: 0, steps }, whole(y))];
}

/** Plain kernels of Pad. */
export function padPlain(context: KernelContext<"Pad">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [y] } = context;
  const { mode, pads, value } = node.attributes;
  const rank = Math.max(1, x.shape.length);
  if (rank > RANK) throw new FeatherdetError(`has more than ${RANK} axes`, { node: node.name, operator: node.op });
  const shape = (operand: Operand) => operand.shape.length === 0 ? [1] : operand.shape;
  const size = sizeOf(y.shape);
  const before = x.shape.length === 0 ? [0] : pads.slice(0, rank);
  return [{
    label: `pad plain ${mode}`,
    shader: "tensor/plain_pad.wgsl",
    constants: { RANK: rank, MODE: mode },
    parameters: {
      extents: axes(shape(y)),
      extentsX: axes(shape(x)),
      stepsX: axes(stridesOf(shape(x))),
      before: axes(before),
      size: i32(size),
      fill: f32(value),
    },
    bindings: [readPlain(node, x), write(y)],
    workgroups: linearGroups(size),
  }];
}
