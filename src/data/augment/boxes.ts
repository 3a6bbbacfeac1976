/**
 * Moves boxes with their pictures into the input, and drops boxes of which too little is left.
 *
 * @module
 */

import { boundsOf, common, type Edges } from "./affine.ts";
import type { InputSize, Tile } from "./tile.ts";

/** Boxes whose shorter side is not longer than so many pixels of the input are dropped. */
export const SMALLEST_SIDE = 2;

/** Boxes of which less than this part of the area is left are dropped: a corner does not tell what it belongs to. */
const SMALLEST_PART = 0.1;

/** Boxes whose sides differ by a larger factor are dropped: slivers at the edge. */
const LARGEST_ASPECT = 100;

function areaOf([left, top, right, bottom]: Edges): number {
  return (right - left) * (bottom - top);
}

/**
 * The box around what is shown of a box, in pixels of the input and cut at its edges; undefined where too little is left. The part that
 * is left is measured against the whole box, not against what a mosaic's edge had left of it.
 */
export function placeBox(box: Edges, { map, shown }: Tile, [height, width]: InputSize): Edges | undefined {
  const visible = common(box, shown);
  if (visible[2] <= visible[0] || visible[3] <= visible[1]) return undefined;
  const placed = common(boundsOf(map, visible), [0, 0, width, height]);
  const across = placed[2] - placed[0], down = placed[3] - placed[1];
  const short = Math.min(across, down), long = Math.max(across, down);
  if (short <= SMALLEST_SIDE || long >= LARGEST_ASPECT * short) return undefined;
  return areaOf(placed) < SMALLEST_PART * areaOf(boundsOf(map, box)) ? undefined : placed;
}
