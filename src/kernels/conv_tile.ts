/**
 * The tile of a direct convolution: how many pixels and output blocks one thread computes.
 *
 * Larger tiles reuse what they load more often, but waste threads where they do not divide the output.
 *
 * @module
 */

import type { ConvTile } from "./conv_direct.ts";
import { type BlockedLayout, blocksOf } from "./kernel.ts";

/** Pixels that tiles compute for each pixel of the output, at least 1. */
function waste(output: BlockedLayout, tile: ConvTile): number {
  const cover = (extent: number, part: number) => Math.ceil(extent / part) * part / extent;
  return cover(output.width, tile.x) * cover(output.height, tile.y) * cover(blocksOf(output), tile.outBlocks);
}

/** Cells that a thread loads for one output cell and input block, apart from waste. */
function loads(kernel: number, stride: number, { x, y, outBlocks }: ConvTile): number {
  const cells = ((x - 1) * stride + kernel) * ((y - 1) * stride + kernel);
  const weights = 4 * kernel * kernel * outBlocks;
  return (cells + weights) / (x * y * outBlocks);
}

/** Tiles that are considered: 3x3 at stride 1, wider strides (more inputs a pixel, so fewer pixels), 1x1. */
const WIDE: readonly ConvTile[] = [{ x: 5, y: 4, outBlocks: 1 }, { x: 4, y: 4, outBlocks: 1 }, { x: 5, y: 2, outBlocks: 1 }];
const STRIDED: readonly ConvTile[] = [{ x: 5, y: 2, outBlocks: 1 }, { x: 4, y: 2, outBlocks: 1 }];
const POINT: readonly ConvTile[] = [{ x: 5, y: 2, outBlocks: 2 }, { x: 4, y: 2, outBlocks: 2 }];
const SMALL: ConvTile = { x: 2, y: 2, outBlocks: 1 };

/** Weight of a load against a multiply-accumulate of four by four channels; measured on a software adapter. */
const LOAD_COST = 1.5;

/** The tile of least estimated cost for a square kernel, its stride and its output. */
export function chooseTile(kernel: number, stride: number, output: BlockedLayout): ConvTile {
  const candidates = [...kernel === 1 ? POINT : stride > 1 ? STRIDED : WIDE, SMALL];
  const cost = (tile: ConvTile) => waste(output, tile) * (kernel * kernel + LOAD_COST * loads(kernel, stride, tile));
  return candidates.reduce((best, tile) => cost(tile) < cost(best) ? tile : best);
}

/** Tiles that tuning measures for a convolution, named as by `convKey`. */
export function candidateTiles(key: string): readonly ConvTile[] {
  const point = key.startsWith("1x1");
  return point
    ? [[5, 2, 2], [5, 2, 4], [5, 4, 1], [5, 4, 2], [4, 2, 2], [2, 2, 2]].map(([x, y, outBlocks]) => ({ x, y, outBlocks }))
    : [[5, 4, 1], [5, 2, 1], [5, 2, 2], [4, 4, 1], [10, 2, 1], [2, 2, 1]].map(([x, y, outBlocks]) => ({ x, y, outBlocks }));
}
