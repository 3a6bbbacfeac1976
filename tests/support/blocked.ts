/**
 * Row memory on the CPU: tensors laid into cells and read back, with what lies around them made recognisable.
 *
 * @module
 */

import { type BlockedLayout, rowsOf } from "../../src/kernels/kernel.ts";

/** What fills the cells that hold no element. */
export interface Filling {
  /** Spare channels of the last block. */
  readonly spare: number;
  /** Cells outside the tensor's planes. */
  readonly outside: number;
}

/** Rows of an arena that holds the tensor: whole pages, and two at least. */
export function arenaRows(layout: BlockedLayout, pageShift: number): number {
  return Math.max(2, Math.ceil(rowsOf(layout) / 2 ** pageShift)) * 2 ** pageShift;
}

/** Calls `visit` with each lane of each plane: its place in the arena, and the element's, -1 in a spare channel. */
function forEachLane(layout: BlockedLayout, pitch: number, visit: (lane: number, element: number) => void): void {
  const { batch, channels, height, width, columns, rise } = layout;
  const blocks = Math.ceil(channels / 4);
  for (let block = 0; block < blocks; block++) {
    for (let n = 0; n < batch; n++) {
      const plane = block * batch + n;
      const left = plane % columns * width, top = Math.floor(plane / columns) * rise;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          for (let l = 0; l < 4; l++) {
            const c = 4 * block + l;
            const element = c < channels ? ((n * channels + c) * height + y) * width + x : -1;
            visit(4 * ((top + y) * pitch + left + x) + l, element);
          }
        }
      }
    }
  }
}

/** The cells of an arena that holds the tensor; without data, all of its elements are `outside` too. */
export function packBlocked(
  layout: BlockedLayout,
  data: Float32Array | undefined,
  pitch: number,
  pageShift: number,
  filling: Filling,
): Float32Array {
  const cells = new Float32Array(4 * pitch * arenaRows(layout, pageShift)).fill(filling.outside);
  if (data) forEachLane(layout, pitch, (lane, element) => cells[lane] = element < 0 ? filling.spare : data[element]);
  return cells;
}

/** A tensor read from its cells, with what a kernel must have kept to. */
export interface Unpacked {
  readonly data: Float32Array;
  /** True where every spare channel is a finite number. */
  readonly spareFinite: boolean;
  /** True where every cell outside the planes still holds `outside`. */
  readonly outsideKept: boolean;
}

/** Reads a tensor from its cells. */
export function unpackBlocked(layout: BlockedLayout, cells: Float32Array, pitch: number, outside: number): Unpacked {
  const data = new Float32Array(layout.batch * layout.channels * layout.height * layout.width);
  const rest = cells.slice();
  let spareFinite = true;
  forEachLane(layout, pitch, (lane, element) => {
    if (element >= 0) data[element] = cells[lane];
    else if (!Number.isFinite(cells[lane])) spareFinite = false;
    rest[lane] = outside;
  });
  return { data, spareFinite, outsideKept: rest.every((value) => value === outside) };
}
