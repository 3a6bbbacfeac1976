/**
 * Boxes of a batch in rows of fixed number, as kernels want them.
 *
 * @module
 */

import type { PlacedBox } from "./sample.ts";

/** Numbers of a row: class, left, top, right, bottom. */
const ROW = 5;

/** `[pictures, rows, 5]`, rows without a box have class -1, and how many boxes had no row: the smallest of a picture. */
export function packBoxes(
  pictures: readonly (readonly PlacedBox[])[],
  rows: number,
): { readonly boxes: Float32Array<ArrayBuffer>; readonly dropped: number } {
  const boxes = new Float32Array(pictures.length * rows * ROW);
  let dropped = 0;
  pictures.forEach((given, picture) => {
    const kept = given.length <= rows ? given : largest(given, rows);
    dropped += given.length - kept.length;
    for (let row = 0; row < rows; row++) boxes.set(kept[row] ?? [-1, 0, 0, 0, 0], (picture * rows + row) * ROW);
  });
  return { boxes, dropped };
}

function largest(boxes: readonly PlacedBox[], count: number): PlacedBox[] {
  const area = ([, left, top, right, bottom]: PlacedBox) => (right - left) * (bottom - top);
  return boxes.toSorted((a, b) => area(b) - area(a)).slice(0, count);
}
