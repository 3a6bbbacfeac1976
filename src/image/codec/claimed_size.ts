/**
 * Whether a file can hold as many pixels as it claims: a few bytes that claim a huge picture are refused before memory is taken for it.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { ImageHeader } from "./header.ts";
import { isArithmetic } from "./header_jpeg.ts";
import { tiffCompression } from "./header_tiff.ts";

/** Most bytes that deflate makes of one. */
const DEFLATE_RATIO = 1032;

/**
 * Most bytes that TIFF's compressions make of one: none, LZW (a code of 9 bits or more stands for 4,096 bytes at most), Deflate by its two
 * numbers, PackBits (128 of 2). Of others, such as facsimile's, a bit may be a row.
 */
const TIFF_RATIOS: Readonly<Record<number, number>> = {
  1: 1,
  5: 4096,
  8: DEFLATE_RATIO,
  32946: DEFLATE_RATIO,
  32773: 64,
};

/** BMP without runs, by its number of the compression: pixels as they are, by masks or not. */
const PLAIN_BMP: readonly number[] = [0, 3, 6];

/** Samples of a pixel by PNG's colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Most pixels that so many bytes of a format can stand for; WebP and GIF can say a picture of one colour in a few. */
function mostPixels(bytes: Uint8Array, { format }: ImageHeader): number {
  if (format === "PNG") {
    const [depth, colourType] = bytes.subarray(24, 26);
    return bytes.length * DEFLATE_RATIO * 8 / Math.max(1, depth * (SAMPLES[colourType] ?? 1));
  }
  // A pixel has a bit at least.
  if (format === "TIFF") return 8 * bytes.length * (TIFF_RATIOS[tiffCompression(bytes)] ?? Infinity);
  if (format === "BMP" && bytes[14] >= 40 && PLAIN_BMP.includes(bytes[30])) return 8 * bytes.length;
  // A block of 8x8 has a bit at least, in its first scan, except in arithmetic coding.
  if (format === "JPEG" && !isArithmetic(bytes)) return bytes.length * 8 * 64;
  return Infinity;
}

/** Throws `FeatherdetError` that names `file` for a picture of more pixels than its bytes can hold. */
export function checkClaim(bytes: Uint8Array, header: ImageHeader, file?: string): void {
  const { format, width, height } = header;
  if (width * height <= mostPixels(bytes, header)) return;
  throw new FeatherdetError(
    `broken ${format}: its data is cut short, ${bytes.length} bytes of ${width}x${height} pixels`,
    {
      file,
    },
  );
}
