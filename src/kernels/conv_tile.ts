/**
 * The tile of a direct convolution: how many pixels and output blocks one thread computes.
 *
 * Larger tiles reuse what they load more often, but waste threads where they do not divide the output.
 *
 * @module
 */

import type { ConvTile } from "./conv_direct.ts";
import { type BlockedLayout, blocksOf } from "./kernel.ts";

/** Kind of adapter. Threads of a software adapter are vector lanes of a few cores; threads of hardware are many and small. */
export type Target = "software" | "hardware";

/** Threads of a workgroup: one vector on software adapters, so that small maps waste no lanes. */
export function workgroupSize(target: Target): number {
  return target === "software" ? 8 : 64;
}

/**
 * True where a workgroup's threads may compute different output blocks: lanes of a software adapter load weights one by one whether
 * or not they are the same ones, and small maps then leave none idle.
 */
export function joinsOutputs(target: Target): boolean {
  return target === "software";
}

/** Outputs that are computed for each one that is kept, at least 1: tiles over the edge and idle threads of the last workgroup. */
function waste(output: BlockedLayout, tile: ConvTile, workgroup: number): number {
  const tiles = Math.ceil(output.width / tile.x) * Math.ceil(output.height / tile.y);
  const threads = Math.ceil(tiles / workgroup) * workgroup;
  const blocks = blocksOf(output);
  const outputs = threads * tile.x * tile.y * Math.ceil(blocks / tile.outBlocks) * tile.outBlocks;
  return outputs / (output.width * output.height * blocks);
}

/** Cells that a thread loads for one output cell and input block; a cell of weights holds `rows` of the four by four. */
function loads(kernel: number, stride: number, { x, y, outBlocks }: ConvTile, rows: number): number {
  const cells = ((x - 1) * stride + kernel) * ((y - 1) * stride + kernel);
  const weights = 4 / rows * kernel * kernel * outBlocks;
  return (cells + weights) / (x * y * outBlocks);
}

/** Tiles of pixels in a row, rows, and output blocks. */
export const tiles = (...list: readonly (readonly [number, number, number])[]): readonly ConvTile[] =>
  list.map(([x, y, outBlocks]) => ({ x, y, outBlocks }));

/** Tiles considered on software adapters by kind of convolution. Few, since each is a pipeline to compile. */
const SOFTWARE = {
  point: tiles([5, 2, 2], [2, 2, 1]),
  window: tiles([5, 4, 1], [2, 2, 1]),
  strided: tiles([5, 2, 2], [2, 2, 1]),
} as const;

/** Tiles considered on hardware: small enough for registers and to give every core work. */
const HARDWARE = {
  point: tiles([4, 2, 2], [4, 1, 2], [2, 1, 2], [1, 1, 1]),
  window: tiles([4, 2, 1], [2, 2, 2], [2, 2, 1], [1, 1, 1]),
  strided: tiles([2, 2, 1], [2, 1, 2], [1, 1, 1]),
} as const;

/** Tiles that only tuning considers: each is one more pipeline to compile, which pays where the choice is kept. */
const TUNED = {
  point: tiles([5, 1, 4], [10, 1, 4], [4, 2, 2], [8, 1, 2], [5, 2, 4]),
  window: tiles([5, 2, 1], [5, 2, 2], [4, 4, 1], [10, 2, 1]),
  strided: tiles([4, 2, 2], [5, 2, 1], [5, 1, 4], [2, 2, 4]),
} as const;

/** Weight of a load against a multiply-accumulate of four by four channels; measured on a software adapter. */
const LOAD_COST = 2;

/** Threads below which a piece of hardware runs idle; larger tiles then cost more than they save. */
const HARDWARE_THREADS = 16384;

/** Kind of a convolution by its square kernel and its stride: each has tiles of its own. */
export function tileKind(kernel: number, stride: number): keyof typeof SOFTWARE {
  return kernel === 1 ? "point" : stride > 1 ? "strided" : "window";
}

/** The tile of least estimated cost for a square kernel, its stride and its output. */
export function chooseTile(
  kernel: number,
  stride: number,
  output: BlockedLayout,
  target: Target = "software",
): ConvTile {
  return chooseFrom(
    (target === "software" ? SOFTWARE : HARDWARE)[tileKind(kernel, stride)],
    kernel,
    stride,
    output,
    target,
    1,
    joinsOutputs(target),
  );
}

/**
 * The tile of least estimated cost among some; `rows` is how many rows of four by four weights one load brings, `joined` whether a
 * workgroup goes on with the next output blocks where the pixels end.
 */
export function chooseFrom(
  candidates: readonly ConvTile[],
  kernel: number,
  stride: number,
  output: BlockedLayout,
  target: Target,
  rows = 1,
  joined = false,
): ConvTile {
  const cells = output.width * output.height * blocksOf(output) * output.batch;
  const cost = (tile: ConvTile) => {
    const threads = cells / (tile.x * tile.y * tile.outBlocks);
    const idle = target === "hardware" ? Math.max(1, HARDWARE_THREADS / threads) : 1;
    return idle * waste(output, tile, joined ? 1 : workgroupSize(target)) *
      (kernel * kernel + LOAD_COST * loads(kernel, stride, tile, rows));
  };
  return candidates.reduce((best, tile) => cost(tile) < cost(best) ? tile : best);
}

/** Tiles that tuning measures for a square kernel and its stride. */
export function candidateTiles(kernel: number, stride: number, target: Target): readonly ConvTile[] {
  const kind = tileKind(kernel, stride);
  return [...target === "hardware" ? HARDWARE[kind] : [], ...SOFTWARE[kind], ...TUNED[kind]];
}
