/**
 * Bytes between DRAM and the memories of an accelerator.
 *
 * Half of a memory holds what the array works with. An operand that fits into that half is brought once. One that does not is brought
 * again for every pass over it. The folds can be walked in two orders, and the order that moves fewer bytes is taken, as a compiler
 * would. Unfinished sums that do not fit travel to DRAM and back, four bytes each.
 *
 * @module
 */

import type { FusedLayer, MatrixShape } from "../layers.ts";
import type { Accelerator } from "./accelerator.ts";
import { type Mapping, mappingOf } from "./cycles.ts";

/** Bytes of an unfinished sum. */
const SUM_BYTES = 4;

/** Bytes that are moved for a layer. */
export interface DramTraffic {
  readonly inputs: number;
  readonly weights: number;
  /** Outputs, and unfinished sums there and back. */
  readonly outputs: number;
}

/** Bytes of the layer's operands, one a number, and how they are cut along the walk. */
interface Walk {
  readonly inputs: number;
  readonly weights: number;
  readonly outputs: number;
  /** Bytes of unfinished sums that are open at once, and how often each is put away. */
  readonly openSums: number;
  readonly sumPasses: number;
}

/** An operand that is needed in so many passes: once if it, or the part of it that a pass keeps, fits. */
function brought(bytes: number, kept: number, passes: number, half: number): number {
  return kept <= half ? bytes : bytes * passes;
}

/** The two orders: all folds along the rows for one of the columns (`columnsFirst`), or the other way round. */
function walk(
  shape: MatrixShape,
  accelerator: Accelerator,
  mapping: Mapping,
  columnsFirst: boolean,
  size: { inputs: number; weights: number; outputs: number },
): Walk {
  const { rowFolds, columnFolds } = mapping, { columns, dataflow, sram } = accelerator;
  const halves = { input: sram.input / 2, weight: sram.weight / 2 };
  const { inputs, weights, outputs } = size, { pixels, filters, times } = shape;
  // Groups come one after the other; only one lies on the array.
  const input = inputs / times, weight = weights / times;
  const columnSums = (extent: number) => extent * columns * SUM_BYTES;
  switch (dataflow) {
    case "os":
      // Rows are pixels, columns filters. The operand of the outer loop stays for the inner one, if its slice fits.
      return {
        inputs: columnsFirst
          ? brought(inputs, input, columnFolds, halves.input)
          : brought(inputs, input / rowFolds, columnFolds, halves.input),
        weights: columnsFirst
          ? brought(weights, weight / columnFolds, rowFolds, halves.weight)
          : brought(weights, weight, rowFolds, halves.weight),
        outputs,
        openSums: 0,
        sumPasses: 0,
      };
    case "ws":
      // Rows are the window, columns filters; weights are loaded once whatever the order.
      return {
        inputs: columnsFirst
          ? brought(inputs, input, columnFolds, halves.input)
          : brought(inputs, input / rowFolds, columnFolds, halves.input),
        weights,
        outputs,
        openSums: columnsFirst ? columnSums(pixels) : pixels * filters * SUM_BYTES,
        sumPasses: rowFolds - 1,
      };
    case "is":
      // Rows are the window, columns pixels; inputs are loaded once whatever the order, but for pixels that windows share.
      return {
        inputs,
        weights: columnsFirst
          ? brought(weights, weight, columnFolds, halves.weight)
          : brought(weights, weight / rowFolds, columnFolds, halves.weight),
        outputs,
        openSums: columnsFirst ? columnSums(filters) : pixels * filters * SUM_BYTES,
        sumPasses: rowFolds - 1,
      };
  }
}

/** Bytes that a product moves between DRAM and the chip. */
export function dramTraffic(layer: FusedLayer & { matrix: MatrixShape }, accelerator: Accelerator): DramTraffic {
  const { matrix, inputs, weights, outputs } = layer, mapping = mappingOf(matrix, accelerator);
  const half = accelerator.sram.output / 2;
  // A product of two activations reads both as inputs; the second one takes the place of weights.
  const second = layer.kind === "product" ? matrix.times * matrix.window * matrix.filters : 0;
  const size = { inputs: Math.max(0, inputs - second), weights: weights + second, outputs };
  const walks = [true, false].map((columnsFirst) => {
    const { openSums, sumPasses, ...moved } = walk(matrix, accelerator, mapping, columnsFirst, size);
    const sums = openSums <= half ? 0 : 2 * sumPasses * matrix.times * matrix.pixels * matrix.filters * SUM_BYTES;
    return { ...moved, outputs: moved.outputs + sums };
  });
  const total = ({ inputs, weights, outputs }: DramTraffic) => inputs + weights + outputs;
  return total(walks[0]) <= total(walks[1]) ? walks[0] : walks[1];
}
