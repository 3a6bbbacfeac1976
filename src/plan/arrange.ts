/**
 * Arranges blocked tensors in row memory: how many planes lie side by side, how far apart the rows of planes are, and which
 * pages each tensor takes.
 *
 * @module
 */

import { type BlockedLayout, blocksOf, rowsOf } from "../kernels/kernel.ts";

/** A root tensor: its logical extents and the channel blocks at which pages have to begin. */
export interface RootTensor {
  readonly shape: readonly number[];
  readonly boundaries: readonly number[];
  /** Of arrangements in as many pages the narrowest instead of the widest: fewer spare cells where the rows are read back. */
  readonly narrow?: boolean;
}

/**
 * The layout of a root in an arena of the given pitch. Where one dispatch reads one view of it and writes another, the second begins on a
 * page (a texture cannot be read and written in one dispatch, but its layers are told apart). The first planes of the root are left free so
 * that such a boundary begins a group of planes side by side, and groups are spread until it meets a page.
 */
export function arrange({ shape, boundaries, narrow }: RootTensor, pitch: number, pageRows: number): BlockedLayout {
  const [batch, channels, height, width] = shape;
  const blocks = Math.ceil(channels / 4);
  const most = Math.max(1, Math.min(Math.floor(pitch / width), blocks * batch));
  const inner = boundaries.filter((block) => block > 0 && block < blocks).map((block) => block * batch);
  let best: BlockedLayout | undefined;
  for (let columns = most; columns >= 1; columns--) {
    const firstPlane = inner.length === 0 ? 0 : (columns - inner[0] % columns) % columns;
    const groups = inner.map((plane) => (firstPlane + plane) / columns);
    if (!groups.every(Number.isInteger)) continue;
    for (let rise = height; rise < height + pageRows; rise++) {
      if (groups.some((group) => group * rise % pageRows !== 0)) continue;
      const free = firstPlane > 0 && { firstPlane };
      const layout: BlockedLayout = { kind: "blocked", batch, channels, height, width, columns, rise, ...free };
      const pages = pagesOf(layout, pageRows), least = best === undefined ? Infinity : pagesOf(best, pageRows);
      if (pages < least || narrow && pages === least) best = layout;
      break;
    }
  }
  return best!;
}

/** Pages that a tensor takes. */
export function pagesOf(layout: BlockedLayout, pageRows: number): number {
  return Math.ceil(rowsOf(layout) / pageRows);
}

/** Cells of each row that a tensor takes. */
export function cellsAcross(layout: BlockedLayout): number {
  const { columns, batch, width, firstPlane = 0 } = layout;
  return Math.min(columns, firstPlane + blocksOf(layout) * batch) * width;
}

/** A view of so many channels that begins at a channel block of its root: its layout, and its first page among the root's. */
export function viewOfRoot(
  root: BlockedLayout,
  block: number,
  channels: number,
  pageRows: number,
): { readonly layout: BlockedLayout; readonly page: number } {
  const plane = (root.firstPlane ?? 0) + block * root.batch,
    group = Math.floor(plane / root.columns),
    row = group * root.rise;
  const page = Math.floor(row / pageRows), firstPlane = plane - group * root.columns, firstRow = row - page * pageRows;
  const { firstPlane: _, ...plain } = root;
  const begins = { ...(firstPlane > 0 && { firstPlane }), ...(firstRow > 0 && { firstRow }) };
  return { layout: { ...plain, channels, ...begins }, page };
}
