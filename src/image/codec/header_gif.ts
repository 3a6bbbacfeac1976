/**
 * The header of a GIF file: the size of its screen.
 *
 * @module
 */

import type { ImageHeader } from "./header.ts";

/** Size; throws `RangeError` where the file ends first. */
export function gifHeader(bytes: Uint8Array): Omit<ImageHeader, "format"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint16(6, true), height: view.getUint16(8, true), orientation: 1 };
}
