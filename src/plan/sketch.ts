/**
 * Kernels of a node before there is memory, for decisions that memory depends on.
 *
 * @module
 */

import type { TensorType } from "../graph/mod.ts";
import type { Kernel, Layout } from "../kernels/kernel.ts";
import { type KernelMaker, type PlanNode, readsAs, writesAs } from "./node.ts";
import { isInt8 } from "./place.ts";

/** A tensor as if it lay apart from all others. */
export function layoutApart({ shape, dtype }: TensorType, kind: Layout["kind"]): Layout {
  if (kind !== "blocked" || shape.length !== 4) return { kind: "plain", shape };
  const [batch, channels, height, width] = shape;
  const int8 = isInt8(dtype) ? { int8: { scale: 1, zero: 0 } } : {};
  return { kind: "blocked", batch, channels, height, width, columns: 1, rise: height, ...int8 };
}

/** The kernels of a node as if its operands lay apart. */
export function sketchKernels(node: PlanNode, types: ReadonlyMap<string, TensorType>, maker: KernelMaker): Kernel[] {
  const operand = (value: string) => {
    const kind = node.outputs.includes(value) ? writesAs(node, value) : readsAs(node, value);
    return { ...maker.operand(value), layout: layoutApart(types.get(value)!, kind) };
  };
  return node.kernels({ ...maker, operand });
}
