/**
 * Cycles of a matrix product on a systolic array, and what crosses its edges, by dataflow.
 *
 * A product of `pixels x window` by `window x filters` is laid on the array so that two of its three extents lie along rows and columns
 * and the third is time:
 *
 * | dataflow | rows   | columns | time    | cycles of a fold             |
 * | -------- | ------ | ------- | ------- | ---------------------------- |
 * | `os`     | pixels | filters | window  | time + rows + columns - 2    |
 * | `ws`     | window | filters | pixels  | time + 2 rows + columns - 2  |
 * | `is`     | window | pixels  | filters | time + 2 rows + columns - 2  |
 *
 * What does not fit is folded: one fold after the other, each filled and drained by itself. Operands enter in a slant, which costs the
 * rows and columns; weights or inputs that stay are loaded first, which costs the rows again. That is SCALE-Sim's array (Samajdar et al.
 * 2018), whose lists of requests the tests compare with.
 *
 * @module
 */

import type { MatrixShape } from "../layers.ts";
import type { Accelerator, Dataflow } from "./accelerator.ts";

/** How a product lies on an array. */
export interface Mapping {
  /** Extent along the rows of the array. */
  readonly alongRows: number;
  /** Extent along its columns. */
  readonly alongColumns: number;
  /** Extent that is time. */
  readonly time: number;
  /** Folds along the rows. */
  readonly rowFolds: number;
  /** Folds along the columns. */
  readonly columnFolds: number;
}

const EXTENTS: Readonly<Record<Dataflow, (shape: MatrixShape) => readonly [number, number, number]>> = {
  os: ({ pixels, window, filters }) => [pixels, filters, window],
  ws: ({ pixels, window, filters }) => [window, filters, pixels],
  is: ({ pixels, window, filters }) => [window, pixels, filters],
};

/** How one of the products of a shape lies on an array. */
export function mappingOf(
  shape: MatrixShape,
  { rows, columns, dataflow }: Pick<Accelerator, "rows" | "columns" | "dataflow">,
): Mapping {
  const [alongRows, alongColumns, time] = EXTENTS[dataflow](shape);
  const rowFolds = Math.ceil(alongRows / rows), columnFolds = Math.ceil(alongColumns / columns);
  return { alongRows, alongColumns, time, rowFolds, columnFolds };
}

/**
 * Cycles that the array computes for, if no operand is ever late.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { computeCycles } from "./cycles.ts";
 * const shape = { pixels: 16, window: 27, filters: 16, times: 1 };
 * assert.equal(computeCycles(shape, { rows: 16, columns: 16, dataflow: "os" }), 27 + 16 + 16 - 2);
 * ```
 */
export function computeCycles(
  shape: MatrixShape,
  array: Pick<Accelerator, "rows" | "columns" | "dataflow">,
): number {
  const { rows, columns, dataflow } = array, { time, rowFolds, columnFolds } = mappingOf(shape, array);
  const fold = time + (dataflow === "os" ? rows : 2 * rows) + columns - 2;
  return shape.times * rowFolds * columnFolds * fold;
}

/** Elements that cross between the array and its memories. */
export interface EdgeTraffic {
  /** Inputs that are read; a pixel counts for each window that it lies in. */
  readonly inputReads: number;
  /** Weights that are read. */
  readonly weightReads: number;
  /** Outputs and unfinished sums that are written. */
  readonly outputWrites: number;
  /** Unfinished sums that are read again. */
  readonly sumReads: number;
}

/** What crosses the edges of the array in all products of a shape. */
export function edgeTraffic(
  shape: MatrixShape,
  array: Pick<Accelerator, "rows" | "columns" | "dataflow">,
): EdgeTraffic {
  const { rowFolds, columnFolds } = mappingOf(shape, array), { pixels, window, filters, times } = shape;
  const inputs = times * pixels * window, weights = times * window * filters, outputs = times * pixels * filters;
  switch (array.dataflow) {
    case "os":
      return {
        inputReads: inputs * columnFolds,
        weightReads: weights * rowFolds,
        outputWrites: outputs,
        sumReads: 0,
      };
    case "ws":
      return {
        inputReads: inputs * columnFolds,
        weightReads: weights,
        outputWrites: outputs * rowFolds,
        sumReads: outputs * (rowFolds - 1),
      };
    case "is":
      return {
        inputReads: inputs,
        weightReads: weights * columnFolds,
        outputWrites: outputs * rowFolds,
        sumReads: outputs * (rowFolds - 1),
      };
  }
}
