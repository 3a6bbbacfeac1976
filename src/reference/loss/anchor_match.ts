/**
 * Which predictors of a head with anchors learn a box, as YOLOv5 (release 6 and 7) matches them.
 *
 * An anchor of a level may learn a box if neither width nor height differs from its own by a factor of `ratio` or more. It does so at the
 * cell in which the box's centre lies, and at the nearest cell beside it and the nearest above or below it, where there are such: a
 * neighbour is taken if the centre is less than half a cell from it and more than a cell from the edge of the map behind it. A cell is
 * counted once for a box. A predictor that several boxes are matched to learns all of them.
 *
 * @module
 */

import type { Box } from "./overlap.ts";

/** One level of the pyramid. */
export interface AnchorGrid {
  readonly width: number;
  readonly height: number;
  /** Input pixels a cell. */
  readonly stride: number;
  /** Width and height of each anchor in input pixels. */
  readonly anchors: readonly (readonly [width: number, height: number])[];
}

/** A predictor of a level. */
export interface Predictor {
  readonly anchor: number;
  readonly x: number;
  readonly y: number;
}

/** Whether an anchor may learn a box of that width and height. */
export function fitsAnchor(
  [width, height]: readonly [number, number],
  [anchorWidth, anchorHeight]: readonly [number, number],
  ratio: number,
): boolean {
  const fits = (side: number, own: number) => side > 0 && Math.max(side / own, own / side) < ratio;
  return fits(width, anchorWidth) && fits(height, anchorHeight);
}

/** Cells along one axis of `extent` cells that learn a centre: the one in which it lies first. */
export function cellsAlong(centre: number, extent: number): number[] {
  const cell = Math.floor(centre), within = centre - cell;
  const home = Math.min(Math.max(cell, 0), extent - 1);
  const others = [
    ...(within < 0.5 && centre > 1 ? [cell - 1] : []),
    ...(within > 0.5 && extent - centre > 1 ? [cell + 1] : []),
  ];
  return [home, ...others.filter((other) => other !== home && other >= 0 && other < extent)];
}

/** The predictors of a level that learn a box, given in input pixels. */
export function matchBox([left, top, right, bottom]: Box, grid: AnchorGrid, ratio: number): Predictor[] {
  const { width, height, stride, anchors } = grid;
  const columns = cellsAlong((left + right) / 2 / stride, width);
  const rows = cellsAlong((top + bottom) / 2 / stride, height);
  const cells = [
    ...columns.map((x) => ({ x, y: rows[0] })),
    ...rows.slice(1).map((y) => ({ x: columns[0], y })),
  ];
  return anchors.flatMap((sides, anchor) =>
    fitsAnchor([right - left, bottom - top], sides, ratio) ? cells.map((cell) => ({ anchor, ...cell })) : []
  );
}
