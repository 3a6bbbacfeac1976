/**
 * Rectangles on a drawing.
 *
 * @module
 */

/** Left, top, right, bottom in pixels. */
export type Area = readonly [number, number, number, number];

/** Pixels that two areas have in common. */
export function overlap(a: Area, b: Area): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return Math.max(0, width) * Math.max(0, height);
}
