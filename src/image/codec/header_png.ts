/**
 * The header of a PNG file: the size in IHDR and the orientation in eXIf.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { exifOrientation } from "./exif.ts";
import type { ImageHeader } from "./header.ts";

const IHDR = 0x49484452;
const EXIF = 0x65584966;
const IEND = 0x49454e44;

/** Size and orientation; throws `RangeError` where the file ends within IHDR. */
export function pngHeader(bytes: Uint8Array): Omit<ImageHeader, "format"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(12) !== IHDR) throw new FeatherdetError("broken PNG: its first chunk is not IHDR");
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  // eXIf may stand before or after the pixels; chunk lengths make both equally quick to reach.
  let at = 8;
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const kind = view.getUint32(at + 4);
    if (kind === IEND) break;
    if (kind === EXIF) {
      return { width, height, orientation: exifOrientation(bytes.subarray(at + 8, at + 8 + length)) };
    }
    at += 12 + length;
  }
  return { width, height, orientation: 1 };
}
