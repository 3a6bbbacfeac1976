/**
 * How the bytes of a quantized tensor in row memory stand for numbers.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Constant } from "../../graph/graph.ts";
import type { Operand } from "../context.ts";
import type { BlockedLayout, Int8Cells } from "../kernel.ts";

/** The cells of QuantizeLinear and DequantizeLinear with these constants; undefined if there is not one scale for all. */
export function cellsOf(scale: Constant | undefined, zeroPoint: Constant | undefined): Int8Cells | undefined {
  if (scale?.data.length !== 1 || zeroPoint?.data.length !== 1 || zeroPoint.dtype === "i32") return undefined;
  return { scale: scale.data[0], zero: zeroPoint.data[0] - (zeroPoint.dtype === "u8" ? 128 : 0) };
}

/** The operand with its bytes taken for numbers in this way. Throws FeatherdetError if it has no int8 cells. */
export function withCells(operand: Operand, cells: Int8Cells): Operand {
  const { layout, value } = operand;
  if (layout.kind !== "blocked" || !layout.int8) throw new FeatherdetError(`"${value}" has no int8 cells`);
  return { ...operand, layout: { ...layout, int8: cells } };
}

/** True where both have int8 cells whose bytes stand for the same numbers. */
export function sameCells({ int8: a }: BlockedLayout, { int8: b }: BlockedLayout): boolean {
  return a !== undefined && b !== undefined && a.scale === b.scale && a.zero === b.zero;
}
