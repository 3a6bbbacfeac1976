/**
 * The header of a TIFF file: size and orientation in the directory of its first page.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { ImageHeader } from "./header.ts";

const WIDTH = 256, HEIGHT = 257, COMPRESSION = 259, ORIENTATION = 274;

/** The type of an entry that has 16 bits; those that matter have 32 otherwise. */
const SHORT = 3;

/** The numbers of the first directory's entries by their tags; throws `RangeError` where the file ends first. */
function directoryOf(bytes: Uint8Array): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = view.getUint8(0) === 0x49;
  const directory = view.getUint32(4, little);
  const found = new Map<number, number>();
  for (let i = 0; i < view.getUint16(directory, little); i++) {
    const entry = directory + 2 + 12 * i;
    const short = view.getUint16(entry + 2, little) === SHORT;
    found.set(
      view.getUint16(entry, little),
      short ? view.getUint16(entry + 8, little) : view.getUint32(entry + 8, little),
    );
  }
  return found;
}

/** Size and orientation; throws `RangeError` where the file ends first. */
export function tiffHeader(bytes: Uint8Array): Omit<ImageHeader, "format"> {
  const found = directoryOf(bytes);
  const [width, height] = [found.get(WIDTH), found.get(HEIGHT)];
  if (width === undefined || height === undefined) throw new FeatherdetError("broken TIFF: it has no size");
  const orientation = found.get(ORIENTATION) ?? 1;
  return { width, height, orientation: orientation >= 1 && orientation <= 8 ? orientation : 1 };
}

/** The number of the first page's compression (TIFF 6.0, section 8), of a file whose header was read: 1 for none. */
export function tiffCompression(bytes: Uint8Array): number {
  return directoryOf(bytes).get(COMPRESSION) ?? 1;
}
