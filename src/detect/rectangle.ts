/**
 * Parts of pictures.
 *
 * @module
 */

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
