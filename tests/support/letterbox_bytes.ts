/**
 * The letterbox in bytes, equal to OpenCV's to the last bit: images are scaled in fixed point and rounded to whole levels.
 *
 * The engine's own letterbox keeps the fractions. Where a test compares with numbers that were made from OpenCV's bytes, it
 * needs the same bytes.
 *
 * @module
 */

import { letterboxGeometry } from "../../src/detect/letterbox.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";

/** Bits of an interpolation weight. */
const BITS = 11;

interface Axis {
  /** Index of the lower and the upper neighbour, clamped to the image. */
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly lowWeight: Int32Array;
  readonly highWeight: Int32Array;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + floor % 2 : Math.round(value);
}

/** Neighbours and weights along one axis; columns put the whole weight on a border's pixel, rows split it over two equal ones. */
function axis(from: number, to: number, columns: boolean): Axis {
  const part = (pick: (i: number) => number) => Int32Array.from({ length: to }, (_, i) => pick(i));
  const at = (i: number) => Math.fround((i + 0.5) * (from / to) - 0.5);
  const clamp = (i: number) => Math.min(Math.max(i, 0), from - 1);
  const rest = (i: number) => {
    const low = Math.floor(at(i));
    return columns && (low < 0 || low >= from - 1) ? 0 : Math.fround(at(i) - low);
  };
  return {
    low: part((i) => clamp(Math.floor(at(i)))),
    high: part((i) => clamp(Math.floor(at(i)) + 1)),
    lowWeight: part((i) => roundHalfEven((1 - rest(i)) * 2 ** BITS)),
    highWeight: part((i) => roundHalfEven(rest(i) * 2 ** BITS)),
  };
}

/** An image scaled as OpenCV's `resize` with `INTER_LINEAR` does. */
export function resizeBytes(
  { width: from, height: fromHeight, data }: RgbImage,
  width: number,
  height: number,
): RgbImage {
  const x = axis(from, width, true), y = axis(fromHeight, height, false);
  const rows = new Map<number, Int32Array>();
  const row = (index: number) => {
    const known = rows.get(index);
    if (known) return known;
    const out = new Int32Array(width * 3);
    for (let u = 0; u < width; u++) {
      for (let c = 0; c < 3; c++) {
        const level = (column: number) => data[(index * from + column) * 3 + c];
        out[u * 3 + c] = level(x.low[u]) * x.lowWeight[u] + level(x.high[u]) * x.highWeight[u];
      }
    }
    rows.set(index, out);
    return out;
  };
  const out = new Uint8Array(width * height * 3);
  for (let v = 0; v < height; v++) {
    const low = row(y.low[v]), high = row(y.high[v]);
    for (let i = 0; i < width * 3; i++) {
      const below = y.lowWeight[v] * (low[i] >> 4) >> 16, above = y.highWeight[v] * (high[i] >> 4) >> 16;
      out[v * width * 3 + i] = below + above + 2 >> 2;
    }
  }
  return { width, height, data: out };
}

/** The image in the middle of a grey square of `size` x `size` pixels. */
export function letterboxBytes(image: RgbImage, size: number): RgbImage {
  const { left, top, width, height } = letterboxGeometry(image.width, image.height, size, size);
  const same = width === image.width && height === image.height;
  const scaled = same ? image : resizeBytes(image, width, height);
  const data = new Uint8Array(size * size * 3).fill(114);
  for (let y = 0; y < height; y++) {
    data.set(scaled.data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * size + left) * 3);
  }
  return { width: size, height: size, data };
}

/** The network's input `[1, 3, height, width]` in 0..1 that an image of just that size stands for. */
export function imageTensor({ width, height, data }: RgbImage): { shape: number[]; data: Float32Array } {
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) out[c * plane + i] = data[i * 3 + c] / 255;
  return { shape: [1, 3, height, width], data: out };
}
