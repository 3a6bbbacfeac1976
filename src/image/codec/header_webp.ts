/**
 * The header of a WebP file: the size in its first chunk (lossy, lossless or extended) and the orientation in EXIF.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { exifOrientation } from "./exif.ts";
import type { ImageHeader } from "./header.ts";

/** Four-character code of a RIFF chunk. */
export function chunkTag(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

/** Three bytes, the lowest first. */
export function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000;
}

/** Orientation in the EXIF chunk of an extended file. */
function orientationOf(bytes: Uint8Array, view: DataView): number {
  let at = 12;
  while (at + 8 <= bytes.length) {
    const length = view.getUint32(at + 4, true);
    if (chunkTag(view, at) === "EXIF") {
      const block = bytes.subarray(at + 8, at + 8 + length);
      // Some writers keep JPEG's "Exif\0\0" in front of the block.
      return exifOrientation(block[0] === 0x45 && block[1] === 0x78 ? block.subarray(6) : block);
    }
    at += 8 + length + (length & 1);
  }
  return 1;
}

/** Size and orientation; throws `RangeError` where the file ends within its header, `FeatherdetError` if cut short later. */
export function webpHeader(bytes: Uint8Array): Omit<ImageHeader, "format"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = chunkTag(view, 12);
  const promised = view.getUint32(4, true) + 8;
  // The decoder fills in what is missing without a word, so the promised length is the only sign.
  if (bytes.length < promised) {
    throw new FeatherdetError(`broken WebP: ${bytes.length} of its ${promised} bytes are there, it is cut short`);
  }
  if (kind === "VP8X") {
    return { width: uint24(view, 24) + 1, height: uint24(view, 27) + 1, orientation: orientationOf(bytes, view) };
  }
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, orientation: 1 };
  }
  if (kind === "VP8 ") {
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff, orientation: 1 };
  }
  throw new FeatherdetError(`broken WebP: unknown first chunk ${JSON.stringify(kind)}`);
}
