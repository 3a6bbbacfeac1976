/**
 * Outputs on their way back from the device: as they lie in plain memory, or out of the cells of row memory.
 *
 * @module
 */

import { type ReadRange, readRowBytes } from "../gpu/read_range.ts";
import type { Shape } from "../graph/mod.ts";
import { rowsOf } from "../kernels/kernel.ts";
import { cellsAcross } from "../plan/arrange.ts";
import { returnedSize } from "../plan/lay_out.ts";
import { outputValue, type Placement, type Plan } from "../plan/plan.ts";
import { takeFromCells } from "./cells.ts";
import type { Program } from "./program.ts";
import type { Tensor } from "./tensors.ts";

/** Where an output is, on the device and in what comes back of a run. */
export interface OutputPlace {
  readonly name: string;
  readonly shape: Shape;
  readonly placement: Placement;
  /** First byte in what comes back. */
  readonly at: number;
  /** Bytes there. */
  readonly size: number;
}

/** The outputs of a plan in the graph's order. Those in row memory come back first, as copies from textures are aligned. */
export function outputPlaces(plan: Plan): OutputPlace[] {
  const inCells = (name: string) => plan.outputsInCells.includes(name);
  const found = plan.graph.outputs.map((name) => {
    const { shape } = plan.types.get(name)!;
    const placement = plan.placements.get(outputValue(plan, name, inCells(name) ? "blocked" : "plain"))!;
    return { name, shape, placement, size: returnedSize(placement.layout) };
  });
  const order = found.toSorted((a, b) => Number(inCells(b.name)) - Number(inCells(a.name)));
  let end = 0;
  const begins = new Map(order.map(({ name, size }) => [name, (end += size) - size]));
  return found.map((output) => ({ ...output, at: begins.get(output.name)! }));
}

/** Bytes that come back of a run. */
export function returnedBytes(outputs: readonly OutputPlace[]): number {
  return outputs.reduce((sum, { size }) => sum + size, 0);
}

/** What is to be read of a program for these outputs. */
export function returnedRanges(program: Program, plan: Plan, outputs: readonly OutputPlace[]): ReadRange[] {
  const { arena } = program;
  return outputs.toSorted((a, b) => a.at - b.at).map(({ placement: { layout, offset }, size }): ReadRange => {
    if (layout.kind === "plain" || !("createView" in arena)) return { buffer: program.plain, offset, size };
    const rowsPerLayer = 1 << plan.form.pageShift;
    return { texture: arena, layer: offset, width: cellsAcross(layout), rows: rowsOf(layout), rowsPerLayer, size };
  });
}

/** The outputs out of the bytes that came back, as copies. */
export function returnedTensors(bytes: ArrayBuffer, outputs: readonly OutputPlace[]): Record<string, Tensor> {
  return Object.fromEntries(outputs.map(({ name, shape, placement: { layout }, at, size }) => {
    const numbers = new Float32Array(bytes, at, size / 4);
    const data = layout.kind === "plain"
      ? numbers.slice()
      : takeFromCells(numbers, layout, readRowBytes(cellsAcross(layout)) / 16);
    return [name, { shape, data }];
  }));
}
