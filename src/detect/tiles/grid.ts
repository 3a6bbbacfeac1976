/**
 * Where the tiles of a big picture lie, and what a caller may say of them.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Extents, Rectangle } from "../rectangle.ts";

/** How a big picture is looked at in tiles. */
export interface TileSettings {
  /** Longer side of a tile in pixels of the picture; by default that of the network's input, so that nothing is scaled. */
  readonly size?: number;
  /** Part of a tile's side that its neighbour sees too, in 0..0.9; 0.2 by default. An object up to this size is whole in one tile at least. */
  readonly overlap?: number;
  /** Whether the whole picture, scaled down, is looked at too, for objects larger than a tile; true by default. */
  readonly whole?: boolean;
  /**
   * How detections of different tiles become one list. `join`, the default: boxes that a tile's border cuts give way to whole ones and are
   * joined where they continue one another. `nms`: suppression by overlap over all of them, as if they came from one run.
   */
  readonly merge?: "join" | "nms";
  /** Tiles that are run together; by default as many as are worth it on the adapter and as the memory limit allows. */
  readonly batch?: number;
}

/**
 * How pictures are cut: `auto` cuts those that are more than half as large again as the network's input into tiles of the input's size, a
 * number is the side of a tile in pixels; both with the defaults of `TileSettings`.
 */
export type Tiles = "auto" | number | TileSettings;

/** Settings with the defaults filled in. */
export type TileGrid = Required<Omit<TileSettings, "batch">> & {
  /** Whether pictures that are not much larger than the input are left whole. */
  readonly auto: boolean;
  readonly batch?: number;
};

/** A picture has to be so many times as large as the input for `auto` to cut it. */
const WORTH_CUTTING = 1.5;

const MOST_OVERLAP = 0.9;
const LEAST_SIDE = 16;

/** The settings that `tiles` means for a network's input. Throws FeatherdetError for settings that are none. */
export function tileGridOf(tiles: Tiles, [height, width]: readonly [height: number, width: number]): TileGrid {
  const auto = tiles === "auto";
  const given: TileSettings = tiles === "auto" ? {} : typeof tiles === "number" ? { size: tiles } : tiles;
  if (typeof given !== "object" || given === null) {
    throw new FeatherdetError(
      `tiles is ${JSON.stringify(tiles)}, it must be "auto", a tile's side in pixels or settings`,
    );
  }
  const { size = Math.max(height, width), overlap = 0.2, whole = true, merge = "join", batch } = given;
  if (!(Number.isInteger(size) && size >= LEAST_SIDE)) {
    throw new FeatherdetError(`a tile's side is ${size}, it must be a whole number of pixels, ${LEAST_SIDE} at least`);
  }
  if (!(overlap >= 0 && overlap <= MOST_OVERLAP)) {
    throw new FeatherdetError(`the overlap of tiles is ${overlap}, it must lie in 0..${MOST_OVERLAP}`);
  }
  if (merge !== "join" && merge !== "nms") {
    throw new FeatherdetError(`tiles are merged by "join" or "nms", not by ${JSON.stringify(merge)}`);
  }
  if (batch !== undefined && !(Number.isInteger(batch) && batch >= 1)) {
    throw new FeatherdetError(`the batch of tiles is ${batch}, it must be a whole number, 1 at least`);
  }
  return { size, overlap, whole, merge, auto, batch };
}

/** Whether a picture is cut. */
export function isCut(
  grid: TileGrid,
  picture: Extents,
  [height, width]: readonly [height: number, width: number],
): boolean {
  if (grid.auto) return picture.width > WORTH_CUTTING * width || picture.height > WORTH_CUTTING * height;
  const tile = tileExtents(grid, [height, width]);
  return picture.width > tile.width || picture.height > tile.height;
}

/** Width and height of a tile: the input's proportions. */
function tileExtents({ size }: TileGrid, [height, width]: readonly [height: number, width: number]): Extents {
  const scale = size / Math.max(height, width);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** First pixels of tiles along a side: spread evenly, neighbours share `overlap` of a tile at least. */
function placesAlong(length: number, tile: number, overlap: number): number[] {
  if (length <= tile) return [0];
  const shared = Math.min(tile - 1, Math.ceil(tile * overlap));
  const count = Math.ceil((length - shared) / (tile - shared));
  return Array.from({ length: count }, (_, at) => Math.round(at * (length - tile) / (count - 1)));
}

/**
 * The tiles of a picture, row by row: all of one size, neighbours overlap, together they are the picture. A picture that is smaller than a
 * tile on a side has tiles of its own length there.
 */
export function tilesOf(
  grid: TileGrid,
  picture: Extents,
  input: readonly [height: number, width: number],
): Rectangle[] {
  const tile = tileExtents(grid, input);
  const width = Math.min(tile.width, picture.width), height = Math.min(tile.height, picture.height);
  const across = placesAlong(picture.width, tile.width, grid.overlap);
  return placesAlong(picture.height, tile.height, grid.overlap).flatMap((top) =>
    across.map((left): Rectangle => ({ left, top, width, height }))
  );
}
