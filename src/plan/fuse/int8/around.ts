/**
 * Finds the DequantizeLinear before and the QuantizeLinear behind a node, which need no plan nodes of their own. Kernels over row memory read
 * and write int8 cells by the numbers that they stand for, so that a value is stored in a quarter of the memory and nobody converts it.
 *
 * @module
 */

import type { GraphIndex, Node } from "../../../graph/mod.ts";
import { cellsOf } from "../../../kernels/int8/cells.ts";
import { quantizeValue } from "../../../graph/quantized_value.ts";
import type { Int8Cells } from "../../../kernels/kernel.ts";

/** A quantized value and what its bytes stand for. */
export interface QuantizedValue {
  readonly value: string;
  readonly cells: Int8Cells;
}

/** A QuantizeLinear, or one that is quantized again in another scale at once, and what it makes. */
export interface Quantizer extends QuantizedValue {
  /** In order; the last one makes the value. */
  readonly nodes: readonly Node[];
}

/** The quantized values around the values of a graph. */
export interface Quantization {
  /** The quantized value that a float value is made from, and nothing else. */
  readonly before: (value: string) => QuantizedValue | undefined;
  /** What quantizes a value that nobody else reads. */
  readonly behind: (value: string) => Quantizer | undefined;
}

/** Finds what can be read and written in int8 cells: values of rank 4 with one scale for all. */
export function quantizationOf(index: GraphIndex): Quantization {
  const cells = (node: Node): Int8Cells | undefined => {
    const [, scale, zeroPoint] = node.inputs.map((name) => index.constantOf(name));
    return index.shapeOf(node.outputs[0]).length === 4 ? cellsOf(scale, zeroPoint) : undefined;
  };
  const quantizer = (node: Node | undefined): Quantizer | undefined => {
    const found = node?.op === "QuantizeLinear" ? cells(node) : undefined;
    return found && { nodes: [node!], value: node!.outputs[0], cells: found };
  };
  return {
    before: (value) => {
      const node = index.producerOf(value);
      if (node?.op !== "DequantizeLinear" || index.isConstant(node.inputs[0])) return undefined;
      const found = cells(node);
      return found && { value: node.inputs[0], cells: found };
    },
    behind: (value) => {
      const first = quantizer(index.soleReader(value));
      const back = first && index.soleReader(first.value);
      const second = back?.op === "DequantizeLinear" ? quantizer(index.soleReader(back.outputs[0])) : undefined;
      const range = second && cells(back!);
      if (!first || !second || !range) return first;
      // Rounded once instead of twice; what the first range cuts off, as a ReLU that was left to it, stays cut off.
      const bound = (byte: number) =>
        quantizeValue((byte - range.zero) * range.scale, second.cells.scale, second.cells.zero, "i8");
      const kept = { ...second.cells, low: bound(-128), high: bound(127) };
      return { nodes: [...first.nodes, back!, ...second.nodes], value: second.value, cells: kept };
    },
  };
}
