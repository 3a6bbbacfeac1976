/**
 * QuantizeLinear and DequantizeLinear over row memory: copies between floats and int8 cells, for what no kernel takes along.
 *
 * @module
 */

import type { Node } from "../../graph/operators.ts";
import type { KernelContext, OperandTypes, OperatorKernels } from "../context.ts";
import type { Kernel } from "../kernel.ts";
import { copyBlocked } from "../layout.ts";
import { onImages, refuseEpilogue } from "../operand.ts";
import { cellsOf, withCells } from "./cells.ts";

type Quantizer = "QuantizeLinear" | "DequantizeLinear";

function applies(node: Node<Quantizer>, types: OperandTypes): boolean {
  const [, scale, zeroPoint] = types.inputs;
  return onImages(node, types) && cellsOf(scale.constant, zeroPoint.constant) !== undefined;
}

function copy(context: KernelContext<Quantizer>): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x, scale, zeroPoint], outputs: [y], pitch } = context;
  const cells = cellsOf(scale.constant, zeroPoint.constant)!;
  const [from, to] = node.op === "QuantizeLinear" ? [x, withCells(y, cells)] : [withCells(x, cells), y];
  return [{ ...copyBlocked(from, to, pitch), label: node.op === "QuantizeLinear" ? "quantize" : "dequantize" }];
}

/** Blocked kernels of QuantizeLinear, with one scale for all. */
export const quantizeBlocked: NonNullable<OperatorKernels<"QuantizeLinear">["blocked"]> = { applies, kernels: copy };

/** Blocked kernels of DequantizeLinear, with one scale for all. */
export const dequantizeBlocked: NonNullable<OperatorKernels<"DequantizeLinear">["blocked"]> = {
  applies,
  kernels: copy,
};
