/**
 * Arranges blocked tensors in row memory: how many planes lie side by side, how far apart the rows of planes are, and which
 * pages each tensor takes.
 *
 * @module
 */

import { type BlockedLayout, blocksOf, rowsOf } from "../kernels/kernel.ts";

/** A root tensor: its logical extents and the channel blocks at which views begin. */
export interface RootTensor {
  readonly shape: readonly number[];
  readonly boundaries: readonly number[];
  /** Of arrangements in as many pages the narrowest instead of the widest: fewer spare cells where the rows are read back. */
  readonly narrow?: boolean;
}

/**
 * The layout of a root in an arena of the given pitch. Views must begin on a page (a texture cannot be read and written in one
 * dispatch, but its layers are told apart), so planes side by side divide every boundary, and rows of planes are spread until
 * boundaries meet pages.
 */
export function arrange({ shape, boundaries, narrow }: RootTensor, pitch: number, pageRows: number): BlockedLayout {
  const [batch, channels, height, width] = shape;
  const blocks = Math.ceil(channels / 4);
  const most = Math.max(1, Math.min(Math.floor(pitch / width), blocks * batch));
  const inner = boundaries.filter((block) => block > 0 && block < blocks).map((block) => block * batch);
  let best: BlockedLayout | undefined;
  for (let columns = most; columns >= 1; columns--) {
    if (inner.some((plane) => plane % columns !== 0)) continue;
    for (let rise = height; rise < height + pageRows; rise++) {
      if (inner.some((plane) => plane / columns * rise % pageRows !== 0)) continue;
      const layout: BlockedLayout = { kind: "blocked", batch, channels, height, width, columns, rise };
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
  return Math.min(layout.columns, blocksOf(layout) * layout.batch) * layout.width;
}

/** First page of a view that begins at a channel block of its root. */
export function pageOfBlock(root: BlockedLayout, block: number, pageRows: number): number {
  return block * root.batch / root.columns * root.rise / pageRows;
}

/** Layout of a view: its root's arrangement over fewer channels. */
export function viewLayout(root: BlockedLayout, channels: number): BlockedLayout {
  return { ...root, channels };
}
