/**
 * Inputs on their way to the device: as they are into plain memory, or laid into the cells of row memory.
 *
 * @module
 */

import type { Plan } from "../plan/plan.ts";
import { layIntoCells } from "./cells.ts";
import type { Program } from "./program.ts";

/** Writes an input to its place in a program's memory, for the runs that are submitted from now on. */
export function uploadInput(queue: GPUQueue, program: Program, plan: Plan, name: string, data: Float32Array): void {
  const { layout, offset, extent } = plan.placements.get(name)!;
  const { arena } = program;
  if (layout.kind === "plain" || !("createView" in arena)) {
    queue.writeBuffer(program.plain, offset, data as BufferSource);
    return;
  }
  const { pitch, form: { pageShift } } = plan, rowsPerImage = 1 << pageShift;
  const cells = layIntoCells(data, layout, { pitch, rows: extent * rowsPerImage });
  queue.writeTexture(
    { texture: arena, origin: [0, 0, offset] },
    cells,
    { bytesPerRow: 16 * pitch, rowsPerImage },
    [pitch, rowsPerImage, extent],
  );
}
