/**
 * The tile of a direct convolution of bytes. As for floats (`../conv_tile.ts`), but a cell of weights holds four times as many, so
 * that output blocks are cheaper and pixels are what has to be shared.
 *
 * @module
 */

import type { Variants } from "../candidate.ts";
import { type ConvTile, type TileLists, tiles, tileVariants } from "../conv_tile.ts";
import type { Target } from "../target.ts";

/** Tiles of direct convolutions of bytes. */
const INT8_TILES: TileLists = {
  software: {
    point: tiles([5, 2, 4], [4, 2, 4], [2, 2, 1]),
    window: tiles([5, 4, 2], [4, 2, 2], [2, 2, 1]),
    strided: tiles([5, 2, 4], [4, 2, 2], [2, 2, 1]),
  },
  hardware: {
    point: tiles([4, 2, 2], [4, 1, 2], [2, 1, 2], [1, 1, 1]),
    window: tiles([4, 2, 1], [2, 2, 2], [2, 2, 1], [1, 1, 1]),
    strided: tiles([2, 2, 1], [2, 1, 2], [1, 1, 1]),
  },
  measured: {
    point: tiles([5, 2, 2], [5, 2, 8], [5, 4, 2]),
    window: tiles([5, 4, 1], [5, 2, 2], [5, 2, 4]),
    strided: tiles([5, 2, 2], [5, 4, 1]),
  },
};

/** Cells in a cell of float weights: what one load of weights brings more of. */
export const WEIGHTS_PER_LOAD = 4;

/** The tiles of a square kernel and its stride on an adapter. */
export function int8TileVariants(kernel: number, stride: number, target: Target): Variants<ConvTile> {
  return tileVariants(kernel, stride, target, INT8_TILES);
}
