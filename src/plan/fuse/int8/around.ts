/**
 * What steps do without steps of their own: a DequantizeLinear before and a QuantizeLinear behind them. Kernels over row memory read
 * and write int8 cells by the numbers that they stand for, so that a value is stored in a quarter of the memory and nobody converts it.
 *
 * @module
 */

import { consumers, type Node, producers } from "../../../graph/mod.ts";
import { cellsOf } from "../../../kernels/int8/cells.ts";
import type { Int8Cells } from "../../../kernels/kernel.ts";
import type { TypedGraph } from "../../node.ts";

/** A quantized value and what its bytes stand for. */
export interface QuantizedValue {
  readonly value: string;
  readonly cells: Int8Cells;
}

/** A QuantizeLinear and what it makes. */
export interface Quantizer extends QuantizedValue {
  readonly node: Node<"QuantizeLinear">;
}

/** The quantized values around the values of a graph. */
export interface Quantization {
  /** The quantized value that a float value is made from, and nothing else. */
  readonly before: (value: string) => QuantizedValue | undefined;
  /** The QuantizeLinear that alone reads a value, if that does not leave the graph. */
  readonly behind: (value: string) => Quantizer | undefined;
}

/** Finds what can be read and written in int8 cells: values of rank 4 with one scale for all. */
export function quantizationOf({ graph, types }: TypedGraph): Quantization {
  const makers = producers(graph), readers = consumers(graph);
  const cells = (node: Node): Int8Cells | undefined => {
    const [, scale, zeroPoint] = node.inputs.map((name) => graph.constants.get(name));
    return types.get(node.outputs[0])!.shape.length === 4 ? cellsOf(scale, zeroPoint) : undefined;
  };
  return {
    before: (value) => {
      const node = makers.get(value);
      if (node?.op !== "DequantizeLinear" || graph.constants.has(node.inputs[0])) return undefined;
      const found = cells(node);
      return found && { value: node.inputs[0], cells: found };
    },
    behind: (value) => {
      const [node, ...others] = readers.get(value) ?? [];
      if (node?.op !== "QuantizeLinear" || others.length > 0 || graph.outputs.includes(value)) return undefined;
      const found = node.inputs[0] === value ? cells(node) : undefined;
      return found && { node, value: node.outputs[0], cells: found };
    },
  };
}
