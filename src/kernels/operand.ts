/**
 * What every kernel maker asks of its operands: their layout, their constant data, their bindings.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { type Shape, sizeOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import type { KernelContext, Operand, OperandTypes } from "./context.ts";
import type { BlockedLayout, KernelBinding } from "./kernel.ts";

/** The layout of an operand in row memory. Throws FeatherdetError if it lies elsewhere. */
export function blockedOf(operand: Operand): BlockedLayout {
  if (operand.layout?.kind === "blocked") return operand.layout;
  throw new FeatherdetError(`"${operand.value}" is not in row memory`);
}

/** A constant seen as `[N,C,H,W]`, missing leading axes being 1; it has no place in the arena. */
export function constantImage(shape: Shape): BlockedLayout {
  const [batch, channels, height, width] = [1, 1, 1, 1, ...shape].slice(-4);
  return { kind: "blocked", batch, channels, height, width, columns: 1, rise: height };
}

/** The numbers of a constant operand as f32. Throws FeatherdetError for one that is no constant. */
export function constantOf(node: Node, operand: Pick<Operand, "constant"> | undefined, what: string): Float32Array {
  const data = operand?.constant?.data;
  if (!data) {
    throw new FeatherdetError(`${what} must be a constant`, { node: node.name, operator: node.op });
  }
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

/** The numbers of a constant operand that may be left out. */
export function optionalConstant(node: Node, operand: Operand | undefined, what: string): Float32Array | undefined {
  return operand && constantOf(node, operand, what);
}

/** Binds a value for reading. */
export function read(operand: Operand): KernelBinding {
  return { kind: "read", value: operand.value };
}

/** Binds a value for reading, or a constant as plain numbers. */
export function readPlain(node: Node, operand: Operand): KernelBinding {
  return operand.constant ? { kind: "constant", data: constantOf(node, operand, "operand") } : read(operand);
}

/** Binds a value for writing. */
export function write(operand: Operand): KernelBinding {
  return { kind: "write", value: operand.value };
}

/** True where every operand that is no constant is an image `[N,C,H,W]` of floats or bytes. */
export function allImages({ inputs, outputs }: OperandTypes): boolean {
  return [...inputs.filter(({ constant }) => !constant), ...outputs].every(({ dtype, shape }) =>
    dtype !== "i32" && shape.length === 4 && sizeOf(shape) > 0
  );
}

/** True where the input is no constant and every operand is an image. */
export function onImages(_: Node, types: OperandTypes): boolean {
  return types.inputs[0].constant === undefined && allImages(types);
}

/** Throws FeatherdetError if a kernel that computes no epilogue is handed one. */
export function refuseEpilogue({ node, epilogue }: KernelContext): void {
  if (epilogue.activation.name !== "None" || epilogue.residual || epilogue.interleaved) {
    throw new FeatherdetError("nothing can be fused into this kernel", { node: node.name, operator: node.op });
  }
}

/** Throws FeatherdetError if a kernel that computes activations only is handed a residual. */
export function refuseResidual({ node, epilogue }: KernelContext): void {
  if (epilogue.residual || epilogue.interleaved) {
    throw new FeatherdetError("nothing but an activation can be fused into this kernel", {
      node: node.name,
      operator: node.op,
    });
  }
}
