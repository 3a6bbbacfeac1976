/**
 * Inputs on their way to the device: as they are into plain memory, or laid into the cells of row memory.
 *
 * @module
 */

import type { BlockedLayout } from "../kernels/kernel.ts";
import type { Plan } from "../plan/plan.ts";
import type { Program } from "./program.ts";

/** Where numbers are laid: cells in a row, and rows in all. */
export interface CellSpace {
  readonly pitch: number;
  readonly rows: number;
}

/** A tensor `[batch, channels, height, width]` in cells of four channels, as row memory has it; zeros in those that hold nothing of it. */
export function layIntoCells(
  data: Float32Array,
  layout: BlockedLayout,
  { pitch, rows }: CellSpace,
): Float32Array<ArrayBuffer> {
  const { batch, channels, height, width, columns, rise } = layout;
  const cells = new Float32Array(4 * pitch * rows);
  let from = 0;
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      const plane = (channel >> 2) * batch + image;
      const left = plane % columns * width, top = Math.floor(plane / columns) * rise;
      for (let y = 0; y < height; y++) {
        const begin = 4 * ((top + y) * pitch + left) + (channel & 3), end = begin + 4 * width;
        for (let to = begin; to < end; to += 4) cells[to] = data[from++];
      }
    }
  }
  return cells;
}

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
