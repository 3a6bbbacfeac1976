/**
 * Tensors laid into the cells of row memory by the host, and taken out of them.
 *
 * @module
 */

import type { BlockedLayout } from "../kernels/kernel.ts";

/** Where numbers are laid: cells in a row, and rows in all. */
export interface CellSpace {
  readonly pitch: number;
  readonly rows: number;
}

/** Calls `visit` with each row of each channel: the place of its first number among those of all cells, four behind which the next one is, and the number of its first element. */
function eachRow(
  { batch, channels, height, width, columns, rise }: BlockedLayout,
  pitch: number,
  visit: (place: number, element: number) => void,
): void {
  let element = 0;
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      const plane = (channel >> 2) * batch + image;
      const left = plane % columns * width, top = Math.floor(plane / columns) * rise;
      for (let y = 0; y < height; y++) {
        visit(4 * ((top + y) * pitch + left) + (channel & 3), element);
        element += width;
      }
    }
  }
}

/** A tensor `[batch, channels, height, width]` in cells of four channels, as row memory has it; zeros in those that hold nothing of it. */
export function layIntoCells(
  data: Float32Array,
  layout: BlockedLayout,
  { pitch, rows }: CellSpace,
): Float32Array<ArrayBuffer> {
  const { width } = layout;
  const cells = new Float32Array(4 * pitch * rows);
  eachRow(layout, pitch, (place, element) => {
    for (let x = 0; x < width; x++) cells[place + 4 * x] = data[element + x];
  });
  return cells;
}

/** The tensor `[batch, channels, height, width]` that lies in rows of `pitch` cells, row-major. */
export function takeFromCells(cells: Float32Array, layout: BlockedLayout, pitch: number): Float32Array<ArrayBuffer> {
  const { batch, channels, height, width } = layout;
  const data = new Float32Array(batch * channels * height * width);
  eachRow(layout, pitch, (place, element) => {
    for (let x = 0; x < width; x++) data[element + x] = cells[place + 4 * x];
  });
  return data;
}
