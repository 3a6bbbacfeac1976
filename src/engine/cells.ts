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

/**
 * Calls `visit` with each row of each plane: the place of its first number among those of all cells, the number of the first element that is
 * there, and how many of the four channels there are.
 */
function eachRow(
  { batch, channels, height, width, columns, rise, firstPlane = 0, firstRow = 0 }: BlockedLayout,
  pitch: number,
  visit: (place: number, element: number, lanes: number) => void,
): void {
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel += 4) {
      const plane = firstPlane + channel / 4 * batch + image;
      const left = plane % columns * width, top = firstRow + Math.floor(plane / columns) * rise;
      const element = (image * channels + channel) * height * width;
      for (let y = 0; y < height; y++) {
        visit(4 * ((top + y) * pitch + left), element + y * width, Math.min(4, channels - channel));
      }
    }
  }
}

/**
 * A tensor `[batch, channels, height, width]` in cells of four channels, as row memory has it; zeros in those that hold nothing of it. `used`
 * are the cells of another tensor of that layout, which are written over.
 */
export function layIntoCells(
  data: Float32Array,
  layout: BlockedLayout,
  { pitch, rows }: CellSpace,
  used?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const { height, width } = layout, size = height * width;
  const cells = used ?? new Float32Array(4 * pitch * rows);
  eachRow(layout, pitch, (place, element, lanes) => {
    if (lanes === 3) {
      // A picture: each cell once, which is the faster by a half.
      for (let from = element, to = place; from < element + width; from++, to += 4) {
        cells[to] = data[from];
        cells[to + 1] = data[from + size];
        cells[to + 2] = data[from + 2 * size];
      }
      return;
    }
    for (let lane = 0; lane < lanes; lane++) {
      const from = element + lane * size, to = place + lane;
      for (let x = 0; x < width; x++) cells[to + 4 * x] = data[from + x];
    }
  });
  return cells;
}

/** The tensor `[batch, channels, height, width]` that lies in rows of `pitch` cells, row-major. */
export function takeFromCells(cells: Float32Array, layout: BlockedLayout, pitch: number): Float32Array<ArrayBuffer> {
  const { batch, channels, height, width } = layout, size = height * width;
  const data = new Float32Array(batch * channels * size);
  eachRow(layout, pitch, (place, element, lanes) => {
    if (lanes === 4) {
      // Each cell once, which is the faster by a half.
      for (let from = place, to = element; to < element + width; from += 4, to++) {
        data[to] = cells[from];
        data[to + size] = cells[from + 1];
        data[to + 2 * size] = cells[from + 2];
        data[to + 3 * size] = cells[from + 3];
      }
      return;
    }
    for (let lane = 0; lane < lanes; lane++) {
      const from = place + lane, to = element + lane * size;
      for (let x = 0; x < width; x++) data[to + x] = cells[from + 4 * x];
    }
  });
  return data;
}
