/**
 * Parts of pictures.
 *
 * @module
 */

import type { RgbImage } from "../image/rgb_image.ts";

/** A part of a picture, in whole pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Extents in pixels. */
export interface Extents {
  readonly width: number;
  readonly height: number;
}

/** All of a picture. */
export function wholeOf({ width, height }: Extents): Rectangle {
  return { left: 0, top: 0, width, height };
}

/** The smallest rectangle that holds all of them; there must be one at least. */
export function aroundAll(parts: readonly Rectangle[]): Rectangle {
  const left = Math.min(...parts.map((part) => part.left)), top = Math.min(...parts.map((part) => part.top));
  const right = Math.max(...parts.map((part) => part.left + part.width));
  const bottom = Math.max(...parts.map((part) => part.top + part.height));
  return { left, top, width: right - left, height: bottom - top };
}

/** A part of a picture as a picture; one that is as wide as the picture shares its bytes. */
export function cropped({ width, data }: RgbImage, part: Rectangle): RgbImage {
  const { left, top, height } = part;
  if (part.width === width) {
    return { width, height, data: data.subarray(3 * top * width, 3 * (top + height) * width) };
  }
  const rows = new Uint8Array(3 * part.width * height);
  for (let row = 0; row < height; row++) {
    const at = 3 * ((top + row) * width + left);
    rows.set(data.subarray(at, at + 3 * part.width), 3 * row * part.width);
  }
  return { width: part.width, height, data: rows };
}
