/**
 * Inputs on their way to the device: as they are into plain memory, or laid into the cells of row memory.
 *
 * @module
 */

import type { Placement, Plan } from "../plan/plan.ts";
import { layIntoCells } from "./cells.ts";
import type { Program } from "./program.ts";

/** Cells of the run before by where they are written: new ones would cost as much as filling them. */
const laid = new WeakMap<Placement, Float32Array<ArrayBuffer>>();

/** Writes an input to its place in a program's memory, for the runs that are submitted from now on. */
export function uploadInput(queue: GPUQueue, program: Program, plan: Plan, name: string, data: Float32Array): void {
  const placement = plan.placements.get(name)!, { layout, offset, extent } = placement;
  const { arena } = program;
  if (layout.kind === "plain" || !("createView" in arena)) {
    queue.writeBuffer(program.plain, offset, data as BufferSource);
    return;
  }
  const { pitch, form: { pageShift } } = plan, rowsPerImage = 1 << pageShift;
  const cells = layIntoCells(data, layout, { pitch, rows: extent * rowsPerImage }, laid.get(placement));
  laid.set(placement, cells);
  queue.writeTexture(
    { texture: arena, origin: [0, 0, offset] },
    cells,
    { bytesPerRow: 16 * pitch, rowsPerImage },
    [pitch, rowsPerImage, extent],
  );
}
