/**
 * The tile of a direct convolution: how many pixels and output blocks one thread computes; and what tiles cost.
 *
 * Larger tiles reuse what they load more often, but waste threads where they do not divide the output.
 *
 * @module
 */

import type { Variants } from "./candidate.ts";
import { type BlockedLayout, blocksOf } from "./kernel.ts";
import type { Target } from "./target.ts";

/** Pixels and output blocks that one thread computes. A type, so that it is a plain record to those who name variants. */
export type ConvTile = {
  /** Pixels in a row. */
  readonly x: number;
  /** Rows. */
  readonly y: number;
  /** Output blocks of four channels. */
  readonly outBlocks: number;
};

/** Extents of a map, wherever it lies. */
export type MapExtent = Pick<BlockedLayout, "batch" | "channels" | "height" | "width">;

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

/** Tiles of pixels in a row, rows, and output blocks. */
export const tiles = (...list: readonly (readonly [number, number, number])[]): readonly ConvTile[] =>
  list.map(([x, y, outBlocks]) => ({ x, y, outBlocks }));

/** Kinds of convolutions with tiles of their own. */
export type TileKind = "point" | "window" | "strided";

/** Tiles of each kind: considered on software adapters, on hardware, and by measuring only. */
export type TileLists = {
  readonly [L in "software" | "hardware" | "measured"]: { readonly [K in TileKind]: readonly ConvTile[] };
};

/** Tiles of direct convolutions of floats. */
const FLOAT_TILES: TileLists = {
  software: {
    point: tiles([5, 2, 4], [5, 2, 2], [2, 2, 1]),
    window: tiles([5, 4, 1], [2, 2, 1]),
    strided: tiles([5, 2, 4], [5, 2, 2], [2, 2, 1]),
  },
  // Small enough for registers and to give every core work.
  hardware: {
    point: tiles([4, 2, 2], [4, 1, 2], [2, 1, 2], [1, 1, 1]),
    window: tiles([4, 2, 1], [2, 2, 2], [2, 2, 1], [1, 1, 1]),
    strided: tiles([2, 2, 1], [2, 1, 2], [1, 1, 1]),
  },
  measured: {
    point: tiles([5, 1, 4], [10, 1, 4], [4, 2, 2], [8, 1, 2]),
    window: tiles([5, 2, 1], [5, 2, 2], [4, 4, 1], [10, 2, 1]),
    strided: tiles([4, 2, 2], [5, 2, 1], [5, 1, 4], [2, 2, 4]),
  },
};

/** Kind of a convolution by its square kernel and its stride. */
export function tileKind(kernel: number, stride: number): TileKind {
  return kernel === 1 ? "point" : stride > 1 ? "strided" : "window";
}

/** The tiles of a square kernel and its stride on an adapter. */
export function tileVariants(
  kernel: number,
  stride: number,
  target: Target,
  lists: TileLists = FLOAT_TILES,
): Variants<ConvTile> {
  const kind = tileKind(kernel, stride);
  const others = target === "hardware" ? lists.software[kind] : [];
  return { usual: lists[target][kind], measured: [...others, ...lists.measured[kind]] };
}

/** Cost of a load in the unit of `candidate.ts`; measured on a software adapter. */
export const LOAD_COST = 2;

/** Threads below which a piece of hardware runs idle; larger tiles then cost more than they save. */
const HARDWARE_THREADS = 16384;

/** How much longer a node takes because it has too few threads to keep an adapter busy, at least 1. */
export function idleFactor(threads: number, target: Target): number {
  return target === "hardware" ? Math.max(1, HARDWARE_THREADS / threads) : 1;
}

/** Outputs that are computed for each one that is kept, at least 1: tiles over the edge and idle threads of the last workgroup. */
function waste(output: MapExtent, tile: ConvTile, workgroup: number): number {
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

/** A direct convolution, as far as its cost depends on it. */
export interface TiledConv {
  readonly kernel: number;
  readonly stride: number;
  /** Blocks of four input channels. */
  readonly inBlocks: number;
  /** What is computed. */
  readonly output: MapExtent;
  /** Rows of the four by four weights that one load brings; 1 unless given. */
  readonly rows?: number;
  /** A workgroup goes on with the next output blocks where the pixels end. */
  readonly joined?: boolean;
}

/** Cost of a direct convolution with a tile, in the unit of `candidate.ts`. */
export function tileCost(conv: TiledConv, tile: ConvTile, target: Target): number {
  const { kernel, stride, inBlocks, output, rows = 1, joined = false } = conv;
  const cells = output.width * output.height * blocksOf(output) * output.batch;
  const idle = idleFactor(cells / (tile.x * tile.y * tile.outBlocks), target);
  const each = kernel * kernel + LOAD_COST * loads(kernel, stride, tile, rows);
  return cells * inBlocks * idle * waste(output, tile, joined ? 1 : workgroupSize(target)) * each;
}
