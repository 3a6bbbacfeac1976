/**
 * Finds what can be seen of each object of a scene.
 *
 * @module
 */

import type { TrueBox } from "../dataset.ts";
import type { Item, Layout } from "./layout.ts";
import { columnsOf, placementOf, rowsOf } from "./placement.ts";
import { OUTLINES } from "./shapes.ts";

/** What can be seen of an object. */
export interface Visible {
  readonly item: Item;
  /** Edges around the pixels that can be seen. */
  readonly box: TrueBox;
  /** How many pixels can be seen. */
  readonly area: number;
  /** Part of the object that can be seen: the rest is covered or outside the picture. */
  readonly part: number;
}

/**
 * Looks at the scene pixel by pixel, a pixel belonging to the foremost item that covers its middle, and returns the objects (not the
 * clutter) of which anything can be seen.
 */
export function visibleObjects({ width, height, items }: Layout): Visible[] {
  const foremost = new Uint8Array(width * height);
  const wholeArea = new Float64Array(items.length + 1);
  items.forEach((item, index) => {
    const placement = placementOf(item, 0.5);
    const { cx, cy, ax, ay, bx, by } = placement;
    const outline = OUTLINES[item.outline];
    const [top, bottom] = rowsOf(placement);
    let whole = 0;
    for (let y = top; y < bottom; y++) {
      const dy = y + 0.5 - cy;
      const row = y >= 0 && y < height ? y * width : undefined;
      const [left, right] = columnsOf(placement, y);
      for (let x = left; x < right; x++) {
        const dx = x + 0.5 - cx;
        if (outline(ax * dx + ay * dy, bx * dx + by * dy) > 0) continue;
        whole++;
        if (row !== undefined && x >= 0 && x < width) foremost[row + x] = index + 1;
      }
    }
    wholeArea[index + 1] = whole;
  });
  const seen = items.map(() => ({ left: width, top: height, right: 0, bottom: 0, area: 0 }));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const index = foremost[at];
      if (index === 0) continue;
      const one = seen[index - 1];
      if (x < one.left) one.left = x;
      if (x >= one.right) one.right = x + 1;
      if (y < one.top) one.top = y;
      one.bottom = y + 1;
      one.area++;
    }
  }
  return items.flatMap((item, index) => {
    const { left, top, right, bottom, area } = seen[index];
    if (item.classId === undefined || area === 0) return [];
    return [{ item, box: [left, top, right, bottom] as const, area, part: area / wholeArea[index + 1] }];
  });
}
