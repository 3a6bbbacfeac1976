/**
 * Operators that choose elements by their numbers, over plain tensors. Shaders: `shaders/tensor/plain_top_k.wgsl`, `plain_gather.wgsl`.
 *
 * @module
 */

import { sizeOf, stridesOf } from "../graph/graph.ts";
import type { KernelContext } from "./context.ts";
import { i32, type Kernel } from "./kernel.ts";
import { linearGroups } from "./linear.ts";
import { readPlain, refuseEpilogue, write } from "./operand.ts";
import { axes, collapse } from "./strided.ts";

/** Plain kernels of TopK. */
export function topKPlain(context: KernelContext<"TopK">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [values, places] } = context;
  const { axis, k, largest } = node.attributes;
  const size = sizeOf(x.shape);
  return [{
    label: `top ${k} of ${x.shape[axis]}`,
    shader: "tensor/plain_top_k.wgsl",
    constants: { SIGN: largest ? 1 : -1 },
    parameters: { size: i32(size), extent: i32(x.shape[axis]), step: i32(stridesOf(x.shape)[axis]), k: i32(k) },
    bindings: [readPlain(node, x), write(values), write(places)],
    workgroups: linearGroups(size),
  }];
}

/** Plain kernels of GatherElements. */
export function gatherElementsPlain(context: KernelContext<"GatherElements">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x, places], outputs: [y] } = context;
  const { axis } = node.attributes;
  const strides = stridesOf(x.shape);
  const { extents, steps: [stepsX] } = collapse(y.shape, [strides.map((step, at) => at === axis ? 0 : step)]);
  const size = sizeOf(y.shape);
  return [{
    label: "gather plain",
    shader: "tensor/plain_gather.wgsl",
    constants: { RANK: extents.length },
    parameters: {
      extents: axes(extents),
      stepsX: axes(stepsX),
      size: i32(size),
      extent: i32(x.shape[axis]),
      step: i32(strides[axis]),
    },
    bindings: [readPlain(node, x), readPlain(node, places), write(y)],
    workgroups: linearGroups(size),
  }];
}
