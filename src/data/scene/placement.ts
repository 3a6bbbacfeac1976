/**
 * The position of an item on its picture, and the pixels that it can cover.
 *
 * @module
 */

import type { Item } from "./layout.ts";
import { REACHES } from "./shapes.ts";

/** From pixels to an item's own units: `u = ax * dx + ay * dy`, `v = bx * dx + by * dy` for a distance from its middle. */
export interface Placement {
  readonly cx: number;
  readonly cy: number;
  readonly ax: number;
  readonly ay: number;
  readonly bx: number;
  readonly by: number;
  /** How far it reaches along its own axes, in its own units, with a margin. */
  readonly reachU: number;
  readonly reachV: number;
}

/** How an item lies, moved by `[dx, dy]` and grown all around by a margin, both in pixels. */
export function placementOf(item: Item, margin: number, [dx, dy]: readonly [number, number] = [0, 0]): Placement {
  const { radius, stretch, turn: [cos, sin], centre: [x, y], outline } = item;
  const [wide, high] = [1 / (radius * stretch), stretch / radius];
  const [reachU, reachV] = REACHES[outline];
  return {
    cx: x + dx,
    cy: y + dy,
    ax: cos * wide,
    ay: sin * wide,
    bx: -sin * high,
    by: cos * high,
    reachU: reachU + margin * wide,
    reachV: reachV + margin * high,
  };
}

/** Rows that a placed item can cover: from the first to before the last, not yet clipped to the picture. */
export function rowsOf({ cy, ax, ay, bx, by, reachU, reachV }: Placement): readonly [number, number] {
  // Corners of its own box, brought back to pixels: the inverse of the two rows of the placement.
  const determinant = ax * by - ay * bx;
  const tall = (Math.abs(ax) * reachV + Math.abs(bx) * reachU) / Math.abs(determinant);
  return [Math.floor(cy - tall), Math.ceil(cy + tall)];
}

/** Distances from a middle within which `|slope * dx + start| <= reach`. */
function within(slope: number, start: number, reach: number): readonly [number, number] {
  if (Math.abs(slope) < 1e-9) return Math.abs(start) <= reach ? [-Infinity, Infinity] : [Infinity, -Infinity];
  const [a, b] = [(-reach - start) / slope, (reach - start) / slope];
  return a < b ? [a, b] : [b, a];
}

/**
 * Columns of one row that a placed item can cover: from the first to before the last, not yet clipped; empty if the first is not
 * before the last. Slanted bars would otherwise have most of their picture looked at in vain.
 */
export function columnsOf({ cx, cy, ax, ay, bx, by, reachU, reachV }: Placement, y: number): readonly [number, number] {
  const dy = y + 0.5 - cy;
  const [u1, u2] = within(ax, ay * dy, reachU);
  const [v1, v2] = within(bx, by * dy, reachV);
  return [Math.floor(cx + Math.max(u1, v1) - 0.5), Math.ceil(cx + Math.min(u2, v2) + 0.5)];
}
