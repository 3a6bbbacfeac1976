/**
 * Pictures as the sampler reads them: no larger than an input can show, and at half sizes for strong shrinking.
 *
 * @module
 */

import type { RgbImage } from "../../image/rgb_image.ts";
import { letterboxGeometry } from "../../image/letterbox_geometry.ts";
import { type Pixels, shrink } from "./shrink.ts";
import type { InputSize } from "./tile.ts";

/**
 * One size of a picture, three bytes a pixel. The last column and row are there twice, so that every pixel has a neighbour on the right
 * and below: `(width + 1) * (height + 1) * 3` bytes.
 */
export interface Level {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A picture in several sizes, the largest first. */
export interface Source {
  /** Columns of the picture itself. */
  readonly width: number;
  /** Rows of the picture itself. */
  readonly height: number;
  /** Each level but the first is half of the one before. */
  readonly levels: readonly Level[];
}

/**
 * How many times larger than in the letterbox a picture is kept. Samples two pixels apart miss little, and so a picture that the
 * letterbox makes up to two times smaller is sampled as the detector does it, from its own pixels.
 */
const KEPT_SCALE = 2;

/** Levels end where the picture would be shown at this part of its size in the letterbox. */
const SMALLEST_SCALE = 1 / 8;

/** Adds the second last column and row. */
function pad({ width, height, data }: Pixels, shared: boolean): Level {
  const stride = 3 * (width + 1);
  const bytes = stride * (height + 1);
  const out = new Uint8Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  for (let y = 0; y <= height; y++) {
    const from = Math.min(y, height - 1) * width * 3;
    out.set(data.subarray(from, from + 3 * width), y * stride);
    out.set(data.subarray(from + 3 * (width - 1), from + 3 * width), y * stride + 3 * width);
  }
  return { width, height, data: out };
}

/** Makes the levels of a picture for inputs of a size, in memory that workers share where asked. */
export function sourceOf(image: RgbImage, [height, width]: InputSize, shared: boolean): Source {
  const { scale } = letterboxGeometry(image.width, image.height, width, height);
  const kept = Math.min(1, KEPT_SCALE * scale);
  const side = (length: number) => Math.max(1, Math.round(length * kept));
  let pixels: Pixels = kept < 1 ? shrink(image, side(image.width), side(image.height)) : image;
  const levels = [pad(pixels, shared)];
  const enough = Math.max(image.width, image.height) * scale * SMALLEST_SCALE;
  while (Math.max(pixels.width, pixels.height) > Math.max(2, enough)) {
    pixels = shrink(pixels, Math.ceil(pixels.width / 2), Math.ceil(pixels.height / 2));
    levels.push(pad(pixels, shared));
  }
  return { width: image.width, height: image.height, levels };
}

/** Bytes that a picture takes. */
export function bytesOf({ levels }: Source): number {
  return levels.reduce((sum, { data }) => sum + data.length, 0);
}
