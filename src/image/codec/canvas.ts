/**
 * Frames of animations on the canvas that they are shown on.
 *
 * @module
 */

import type { RgbaPixels } from "./codec.ts";

/** Where a frame lies on its canvas, and the size of that. */
export interface CanvasPlace {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The canvas with a frame on it, black and transparent elsewhere; the frame itself if it covers all of it. */
export function onCanvas(pixels: RgbaPixels, { left, top, width, height }: CanvasPlace): RgbaPixels {
  if (left === 0 && top === 0 && width === pixels.width && height === pixels.height) return pixels;
  const data = new Uint8ClampedArray(width * height * 4);
  const columns = Math.min(pixels.width, width - left);
  for (let y = 0; y < pixels.height && top + y < height && columns > 0; y++) {
    const row = pixels.data.subarray(y * pixels.width * 4, (y * pixels.width + columns) * 4);
    data.set(row, ((top + y) * width + left) * 4);
  }
  return { width, height, data };
}
