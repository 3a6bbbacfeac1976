/**
 * The letterbox on the host: it maps boxes into the input and back, and prepares pictures for the kernel
 * (`src/kernels/detect/letterbox.ts`).
 *
 * @module
 */

import { FRAME_STRIDE } from "../kernels/detect/mod.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { LetterboxGeometry } from "../image/letterbox_geometry.ts";

export { type LetterboxGeometry, letterboxGeometry } from "../image/letterbox_geometry.ts";

/** A box as x1, y1, x2, y2 in pixels. */
export type Corners = readonly [number, number, number, number];

/** Extents of a picture. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** Input pixels a pixel of the picture, across and down: the scaled picture has whole pixels, so the two may differ a little. */
function scalesOf(geometry: LetterboxGeometry, { width, height }: Size): readonly [x: number, y: number] {
  return [geometry.width / width, geometry.height / height];
}

/** A box in pixels of the input as one in pixels of the picture, cut at its edges. */
export function boxToPicture(box: Corners, geometry: LetterboxGeometry, size: Size): Corners {
  const [scaleX, scaleY] = scalesOf(geometry, size);
  const x = (value: number) => Math.min(Math.max((value - geometry.left) / scaleX, 0), size.width);
  const y = (value: number) => Math.min(Math.max((value - geometry.top) / scaleY, 0), size.height);
  return [x(box[0]), y(box[1]), x(box[2]), y(box[3])];
}

/** A box in pixels of the picture as one in pixels of the input. */
export function boxToInput(box: Corners, geometry: LetterboxGeometry, size: Size): Corners {
  const [scaleX, scaleY] = scalesOf(geometry, size), { left, top } = geometry;
  return [box[0] * scaleX + left, box[1] * scaleY + top, box[2] * scaleX + left, box[3] * scaleY + top];
}

/** What `detect/frames` holds for an image: `FRAME_STRIDE` numbers. */
export function frameRecord(geometry: LetterboxGeometry, size: Size): Float32Array<ArrayBuffer> {
  const record = new Float32Array(FRAME_STRIDE);
  record.set([geometry.left, geometry.top, ...scalesOf(geometry, size), size.width, size.height]);
  return record;
}

/**
 * The picture's bytes as the `rgba8unorm` texture of the letterbox kernel wants them, row by row without padding, the fourth byte
 * of a pixel unused. Fills and returns `into` where that is given; it must hold `width * height` pixels at least.
 */
export function rgbaOf({ width, height, data }: RgbImage, into?: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const pixels = width * height;
  const out = into ?? new Uint32Array(pixels);
  let done = 0;
  if (data.byteOffset % 4 === 0) {
    // Three words hold four pixels: twice as fast as byte by byte. (WebGPU exists on little-endian machines only.)
    const words = new Uint32Array(data.buffer, data.byteOffset, Math.floor(3 * pixels / 4));
    for (let at = 0; at + 3 <= words.length; at += 3, done += 4) {
      const a = words[at], b = words[at + 1], c = words[at + 2];
      out[done] = a;
      out[done + 1] = a >>> 24 | b << 8;
      out[done + 2] = b >>> 16 | c << 16;
      out[done + 3] = c >>> 8;
    }
  }
  for (let at = 3 * done; done < pixels; done++, at += 3) out[done] = data[at] | data[at + 1] << 8 | data[at + 2] << 16;
  return out;
}
