/**
 * The EXIF orientation: reading it from an EXIF block and turning pixels by it, as OpenCV's `imread` does, so that a
 * detector sees the picture as a person does.
 *
 * @module
 */

import type { RgbImage } from "../rgb_image.ts";

const ORIENTATION_TAG = 0x0112;

/** Orientation (1 to 8) in a TIFF-structured EXIF block; 1 if there is none or the block is malformed. */
export function exifOrientation(block: Uint8Array): number {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  if (block.length < 8) return 1;
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > block.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > block.length) return 1;
    if (view.getUint16(entry, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** Turns and mirrors a picture from its stored to its intended orientation (an EXIF value, 1 to 8). */
export function orient(image: RgbImage, orientation: number): RgbImage {
  if (orientation <= 1 || orientation > 8) return image;
  const { width, height, data } = image;
  const swapped = orientation >= 5;
  const outWidth = swapped ? height : width;
  const outHeight = swapped ? width : height;
  // Where the stored picture's column and row are counted from the far side, in terms of the output's axes.
  const mirrorX = [2, 3, 7, 8].includes(orientation);
  const mirrorY = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++, to += 3) {
      const across = swapped ? y : x;
      const down = swapped ? x : y;
      const column = mirrorX ? width - 1 - across : across;
      const row = mirrorY ? height - 1 - down : down;
      const from = (row * width + column) * 3;
      out[to] = data[from];
      out[to + 1] = data[from + 1];
      out[to + 2] = data[from + 2];
    }
  }
  return { width: outWidth, height: outHeight, data: out };
}
