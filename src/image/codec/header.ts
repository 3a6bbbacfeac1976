/**
 * Reads what a picture file says of itself before any pixel is decoded: format, size, orientation.
 *
 * Knowing the size first is what allows a huge picture to be refused instead of exhausting the memory, and knowing the format
 * is what makes a wrong file name harmless and a wrong file clear.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { bmpHeader, isBmp } from "./header_bmp.ts";
import { gifHeader } from "./header_gif.ts";
import { heifHeader, heifKind } from "./header_heif.ts";
import { jpegHeader } from "./header_jpeg.ts";
import { pngHeader } from "./header_png.ts";
import { otherKind } from "./other_kinds.ts";
import { tiffHeader } from "./header_tiff.ts";
import { webpHeader } from "./header_webp.ts";

/** Formats that can be decoded. */
export type ImageFormat = "JPEG" | "PNG" | "WebP" | "BMP" | "GIF" | "TIFF" | "AVIF" | "HEIC";

/** How each format's header is read. */
const HEADERS: Readonly<Record<ImageFormat, (bytes: Uint8Array) => Omit<ImageHeader, "format">>> = {
  ...{ JPEG: jpegHeader, PNG: pngHeader, WebP: webpHeader },
  ...{ BMP: bmpHeader, GIF: gifHeader, TIFF: tiffHeader, AVIF: heifHeader, HEIC: heifHeader },
};

/** The formats in words. */
export const FORMAT_NAMES: string = Object.keys(HEADERS).join(", ");

/** What the header of a picture file says. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** Stored columns, before the orientation is applied. */
  readonly width: number;
  /** Stored rows, before the orientation is applied. */
  readonly height: number;
  /** EXIF orientation, 1 (as stored) to 8. */
  readonly orientation: number;
}

/** Pictures of more pixels than this are refused before they are decoded, unless another limit is asked for. */
export const MAX_PIXELS = 100_000_000;

/** First bytes of a file as a person would recognise them: quoted text, or hexadecimal. */
function opening(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 16);
  const isText = head.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13);
  if (isText) return JSON.stringify(new TextDecoder().decode(head));
  return `bytes ${[...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
}

/** Tells the format by the file's first bytes, whatever its name; undefined if it is none of the known ones. */
export function sniffFormat(bytes: Uint8Array): ImageFormat | undefined {
  const starts = (signature: number[], at = 0) => signature.every((byte, i) => bytes[at + i] === byte);
  if (starts([0xff, 0xd8, 0xff])) return "JPEG";
  if (starts([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return "PNG";
  if (starts([0x42, 0x4d]) && isBmp(bytes)) return "BMP";
  if (starts([0x47, 0x49, 0x46, 0x38])) return "GIF";
  if (starts([0x49, 0x49, 0x2a, 0x00]) || starts([0x4d, 0x4d, 0x00, 0x2a])) return "TIFF";
  if (starts([0x66, 0x74, 0x79, 0x70], 4)) return heifKind(bytes);
  if (starts([0x52, 0x49, 0x46, 0x46]) && starts([0x57, 0x45, 0x42, 0x50], 8)) return "WebP";
  return undefined;
}

/**
 * Reads format, size and orientation.
 *
 * Throws a `FeatherdetError` that names `file` for an empty file, a file that is no picture, a header that is cut short, a
 * colour model that cannot be decoded and a picture of more than `maxPixels` pixels.
 */
export function readImageHeader(bytes: Uint8Array, file?: string, maxPixels: number = MAX_PIXELS): ImageHeader {
  if (bytes.length === 0) throw new FeatherdetError(`the file is empty, expected an image (${FORMAT_NAMES})`, { file });
  const format = sniffFormat(bytes);
  if (format === undefined) {
    const kind = otherKind(bytes);
    const reason = kind === undefined ? `it starts with ${opening(bytes)}` : `it is ${kind}`;
    throw new FeatherdetError(`not an image (${FORMAT_NAMES}), ${reason}`, { file });
  }
  let found: Omit<ImageHeader, "format">;
  try {
    found = HEADERS[format](bytes);
  } catch (error) {
    // A DataView access past the end is how a header cut short shows itself.
    if (error instanceof RangeError) {
      throw new FeatherdetError(`broken ${format}: the file ends within its header`, { file });
    }
    throw error instanceof FeatherdetError ? error.at({ file }) : error;
  }
  const { width, height } = found;
  if (width < 1 || height < 1) throw new FeatherdetError(`broken ${format}: its size is ${width}x${height}`, { file });
  if (width * height > maxPixels) {
    throw new FeatherdetError(
      `the image is ${width}x${height}, more than the ${maxPixels / 1e6} megapixels that are accepted`,
      { file },
    );
  }
  return { format, ...found };
}
