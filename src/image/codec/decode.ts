/**
 * Picture files to pixels: JPEG, PNG and WebP.
 *
 * @module
 */

import type { RgbImage } from "../rgb_image.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { imageCodec, type RgbaPixels } from "./codec.ts";
import { orient } from "./exif.ts";
import { readImageHeader } from "./header.ts";

/** Drops alpha, as OpenCV's and Pillow's conversions to three channels do. */
function withoutAlpha({ width, height, data }: RgbaPixels): RgbImage {
  const pixels = width * height;
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, data: rgb };
}

/**
 * Decodes a JPEG, PNG or WebP file to 8-bit RGB, turned as its EXIF orientation says.
 *
 * Pixels are those of libjpeg-turbo, libpng and libwebp. Alpha is dropped, 16 bits a channel become 8, colour profiles are not applied.
 * The content decides on the format; `file` only names the picture in errors.
 *
 * Throws a `FeatherdetError` for an empty file, a file that is no picture, a damaged or truncated one, a CMYK JPEG and a
 * picture of more than 100 megapixels (before it is decoded).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeImage } from "./decode.ts";
 * import { encodePng } from "./encode.ts";
 * const file = await encodePng({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) }); // or `Deno.readFile("street.jpg")`
 * const { width, height, data } = await decodeImage(file, "two.png");
 * assert.deepEqual([width, height, ...data], [2, 1, 255, 0, 0, 0, 0, 255]);
 * ```
 */
export async function decodeImage(bytes: Uint8Array, file?: string): Promise<RgbImage> {
  const { format, orientation } = readImageHeader(bytes, file);
  const codec = await imageCodec();
  let pixels: RgbaPixels;
  try {
    pixels = await codec.decode(bytes, format);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FeatherdetError(`broken ${format}: ${reason}`, { file }, { cause: error });
  }
  const image = withoutAlpha(pixels);
  return codec.orients ? image : orient(image, orientation);
}
