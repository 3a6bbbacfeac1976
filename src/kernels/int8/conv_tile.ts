/**
 * The tile of a direct convolution of bytes. As for floats (`../conv_tile.ts`), but a cell of weights holds four times as many, so
 * that output blocks are cheaper and pixels are what has to be shared.
 *
 * @module
 */

import type { ConvTile } from "../conv_direct.ts";
import { chooseFrom, type Target, tileKind, tiles } from "../conv_tile.ts";
import type { BlockedLayout } from "../kernel.ts";

/** Tiles considered on software adapters by kind of convolution. Few, since each is a pipeline to compile. */
const SOFTWARE = {
  point: tiles([5, 2, 4], [2, 2, 1]),
  window: tiles([5, 2, 2], [2, 2, 1]),
  strided: tiles([5, 2, 4], [2, 2, 1]),
} as const;

/** Tiles considered on hardware. */
const HARDWARE = {
  point: tiles([4, 2, 2], [4, 1, 2], [2, 1, 2], [1, 1, 1]),
  window: tiles([4, 2, 1], [2, 2, 2], [2, 2, 1], [1, 1, 1]),
  strided: tiles([2, 2, 1], [2, 1, 2], [1, 1, 1]),
} as const;

/** Tiles that only tuning considers. */
const TUNED = {
  point: tiles([5, 2, 2], [4, 2, 4], [5, 2, 8], [5, 4, 2]),
  window: tiles([5, 4, 1], [5, 4, 2], [5, 2, 4], [4, 2, 2]),
  strided: tiles([5, 2, 2], [5, 4, 1], [4, 2, 2]),
} as const;

/** Cells in a cell of float weights: what one load of weights brings more of. */
const WEIGHTS_PER_LOAD = 4;

/** The tile of least estimated cost for a square kernel, its stride and its output. */
export function chooseInt8Tile(kernel: number, stride: number, output: BlockedLayout, target: Target): ConvTile {
  const candidates = (target === "software" ? SOFTWARE : HARDWARE)[tileKind(kernel, stride)];
  return chooseFrom(candidates, kernel, stride, output, target, WEIGHTS_PER_LOAD);
}

/** Tiles that tuning measures for a square kernel and its stride. */
export function int8CandidateTiles(kernel: number, stride: number, target: Target): readonly ConvTile[] {
  const kind = tileKind(kernel, stride);
  return [...target === "hardware" ? HARDWARE[kind] : [], ...SOFTWARE[kind], ...TUNED[kind]];
}
