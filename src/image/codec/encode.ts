/**
 * Pixels to picture files: PNG and JPEG.
 *
 * @module
 */

import type { RgbImage } from "../rgb_image.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { imageCodec, type RgbaPixels } from "./codec.ts";

function opaque({ width, height, data }: RgbImage): RgbaPixels {
  if (data.length !== width * height * 3) {
    throw new FeatherdetError(
      `an RGB image of ${width}x${height} needs ${width * height * 3} bytes, not ${data.length}`,
    );
  }
  const pixels = width * height;
  const rgba = new Uint8ClampedArray(pixels * 4);
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += 3, to += 4) {
    rgba[to] = data[from];
    rgba[to + 1] = data[from + 1];
    rgba[to + 2] = data[from + 2];
    rgba[to + 3] = 255;
  }
  return { width, height, data: rgba };
}

/** Encodes a picture as PNG, without loss. */
export async function encodePng(image: RgbImage): Promise<Uint8Array<ArrayBuffer>> {
  const codec = await imageCodec();
  return codec.encode(opaque(image), "PNG", 100);
}

/** Encodes a picture as JPEG; `quality` goes from 0 (smallest) to 100 (best). */
export async function encodeJpeg(image: RgbImage, quality = 90): Promise<Uint8Array<ArrayBuffer>> {
  if (!(quality >= 0 && quality <= 100)) throw new FeatherdetError(`JPEG quality is ${quality}, expected 0 to 100`);
  const codec = await imageCodec();
  return codec.encode(opaque(image), "JPEG", quality);
}

/** Encodes by the ending of a file name: `.png`, or `.jpg` and `.jpeg`; throws a `FeatherdetError` for any other. */
export function encodeFor(image: RgbImage, file: string): Promise<Uint8Array<ArrayBuffer>> {
  if (/\.png$/i.test(file)) return encodePng(image);
  if (/\.jpe?g$/i.test(file)) return encodeJpeg(image);
  throw new FeatherdetError("cannot write this kind of image, the name must end in .png, .jpg or .jpeg", { file });
}
