/**
 * The header of a BMP file: the size in its information header.
 *
 * @module
 */

import type { ImageHeader } from "./header.ts";

/** Lengths of the information headers that there are, of which the oldest has 16-bit sizes. */
const LENGTHS = new Set([12, 16, 40, 52, 56, 64, 108, 124]);

/** True if a file that starts with `BM` goes on as a BMP file does, not as a text. */
export function isBmp(bytes: Uint8Array): boolean {
  return bytes.length < 18 || LENGTHS.has(bytes[14]) && bytes[15] === 0 && bytes[16] === 0 && bytes[17] === 0;
}

/** Size; throws `RangeError` where the file ends first. */
export function bmpHeader(bytes: Uint8Array): Omit<ImageHeader, "format"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(14, true) === 12) {
    return { width: view.getUint16(18, true), height: view.getUint16(20, true), orientation: 1 };
  }
  // Rows that are stored from top to bottom have a negative height.
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)), orientation: 1 };
}
