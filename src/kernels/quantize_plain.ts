/**
 * Operators between floats and whole numbers over plain tensors, in which every element is an f32, whole numbers too (exact up to
 * 2^24). They serve what the kernels for bytes in row memory do not. Shaders: `shaders/int8/plain_scale.wgsl`, `plain_range.wgsl`,
 * `plain_whole.wgsl`.
 *
 * @module
 */

import { sizeOf, stridesOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { QUANTIZED_RANGE } from "../graph/quantized_value.ts";
import type { KernelContext, Operand } from "./context.ts";
import { f32, i32, type Kernel } from "./kernel.ts";
import { linearGroups } from "./linear.ts";
import { readPlain, refuseEpilogue, write } from "./operand.ts";

/** What goes from one tensor to another by scales. */
interface Scaling {
  readonly x: Operand;
  readonly y: Operand;
  readonly scale: Operand;
  readonly zeroPoint: Operand;
  /** Axis of the scales where there are several. */
  readonly axis: number;
  /** Bounds of what is stored; none for floats. */
  readonly range?: readonly [least: number, most: number];
}

function scaleKernel(node: Node, { x, y, scale, zeroPoint, axis, range }: Scaling): Kernel {
  const count = sizeOf(scale.shape), size = sizeOf(x.shape);
  const direction = range ? "quantize" : "dequantize";
  const [least, most] = range ?? [0, 0];
  return {
    label: `${direction} plain`,
    shader: "int8/plain_scale.wgsl",
    constants: { DIRECTION: direction },
    parameters: {
      size: i32(size),
      inner: i32(count === 1 ? 1 : stridesOf(x.shape)[axis]),
      count: i32(count),
      low: f32(least),
      high: f32(most),
    },
    bindings: [readPlain(node, x), readPlain(node, scale), readPlain(node, zeroPoint), write(y)],
    workgroups: linearGroups(size),
  };
}

/** Plain kernels of QuantizeLinear. */
export function quantizePlain(context: KernelContext<"QuantizeLinear">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x, scale, zeroPoint], outputs: [y] } = context;
  const range = QUANTIZED_RANGE[zeroPoint.dtype === "i8" ? "i8" : "u8"];
  return [scaleKernel(node, { x, y, scale, zeroPoint, axis: node.attributes.axis, range })];
}

/** Plain kernels of DequantizeLinear. */
export function dequantizePlain(context: KernelContext<"DequantizeLinear">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x, scale, zeroPoint], outputs: [y] } = context;
  return [scaleKernel(node, { x, y, scale, zeroPoint, axis: node.attributes.axis })];
}

/** Plain kernels of DynamicQuantizeLinear: one finds the range, one quantizes. */
export function dynamicQuantizePlain(context: KernelContext<"DynamicQuantizeLinear">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [y, scale, zeroPoint] } = context;
  const range: Kernel = {
    label: "range plain",
    shader: "int8/plain_range.wgsl",
    constants: {},
    parameters: { size: i32(sizeOf(x.shape)) },
    bindings: [readPlain(node, x), write(scale), write(zeroPoint)],
    workgroups: [1, 1, 1],
  };
  return [range, scaleKernel(node, { x, y, scale, zeroPoint, axis: 0, range: QUANTIZED_RANGE.u8 })];
}

/** Plain kernels of Cast to whole numbers; a Cast to f32 is an alias of its input (see `plan/lower.ts`). */
export function castPlain(context: KernelContext<"Cast">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [y] } = context;
  const { to } = node.attributes;
  const range = to === "i8" || to === "u8" ? QUANTIZED_RANGE[to] : undefined;
  const size = sizeOf(x.shape);
  return [{
    label: `cast plain ${to}`,
    shader: "int8/plain_whole.wgsl",
    constants: { WRAPS: range ? 1 : 0 },
    parameters: { size: i32(size), low: f32(range?.[0] ?? 0), values: f32(range ? range[1] - range[0] + 1 : 1) },
    bindings: [readPlain(node, x), write(y)],
    workgroups: linearGroups(size),
  }];
}
