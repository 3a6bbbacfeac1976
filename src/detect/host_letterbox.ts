/**
 * The letterbox on the host. It computes exactly what the kernel `shaders/detect/letterbox.wgsl` writes, for programs that want the
 * network's input itself, and for
 * pictures that are too large to go up whole.
 *
 * @module
 */

import { roundHalfEven } from "../graph/quantized_value.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { letterboxGeometry } from "./letterbox.ts";

/** Steps of an interpolation weight. */
const STEPS = 2048;

/** Level of the border. */
const GREY = 114;

/** For each position of the scaled side: the two samples it lies between, and the weight of the second in `STEPS`. */
function samplesOf(length: number, scaledLength: number) {
  const first = new Int32Array(scaledLength), second = new Int32Array(scaledLength);
  const weights = new Int32Array(scaledLength);
  const clamp = (at: number) => Math.min(Math.max(at, 0), length - 1);
  for (let at = 0; at < scaledLength; at++) {
    // Whole numbers: the position is exact, as in the kernel.
    const numerator = (2 * at + 1) * length - scaledLength, denominator = 2 * scaledLength;
    const below = Math.floor(numerator / denominator);
    first[at] = clamp(below);
    second[at] = clamp(below + 1);
    weights[at] = roundHalfEven(
      Math.fround(Math.fround((numerator - below * denominator) / denominator) * STEPS),
    );
  }
  return { first, second, weights };
}

/** The same scaling as pixels: the picture as the network sees it, a grey border around it. Throws as `letterboxTensor` does. */
export function letterboxImage(image: RgbImage, width: number, height: number): RgbImage {
  const { left, top, width: scaledWidth, height: scaledHeight } = letterboxGeometry(
    image.width,
    image.height,
    width,
    height,
  );
  const columns = samplesOf(image.width, scaledWidth), rows = samplesOf(image.height, scaledHeight);
  const data = new Uint8Array(3 * width * height).fill(GREY);
  const scaledRow = (row: number, into: Int32Array) => {
    const start = 3 * row * image.width;
    for (let u = 0, to = 0; u < scaledWidth; u++) {
      const a = start + 3 * columns.first[u], b = start + 3 * columns.second[u], right = columns.weights[u];
      for (let c = 0; c < 3; c++) into[to++] = image.data[a + c] * (STEPS - right) + image.data[b + c] * right >> 4;
    }
  };
  let above = new Int32Array(3 * scaledWidth), below = new Int32Array(3 * scaledWidth);
  let aboveRow = -1, belowRow = -1;
  for (let v = 0; v < scaledHeight; v++) {
    const upper = rows.first[v], lower = rows.second[v], weight = rows.weights[v];
    if (aboveRow !== upper) {
      // Going down, the row above is most often the one that was below.
      if (belowRow === upper) [above, below, aboveRow, belowRow] = [below, above, belowRow, aboveRow];
      else scaledRow(aboveRow = upper, above);
    }
    if (belowRow !== lower) scaledRow(belowRow = lower, below);
    let to = 3 * ((top + v) * width + left);
    for (let from = 0; from < 3 * scaledWidth; from++) {
      const sum = (above[from] * (STEPS - weight) >> 16) + (below[from] * weight >> 16);
      data[to++] = sum + 2 >> 2;
    }
  }
  return { width, height, data };
}

/**
 * The input `[1, 3, height, width]` of a network that a picture becomes, in 0..1: scaled with its aspect ratio kept, centred on grey.
 * Throws FeatherdetError for sizes that are no positive integers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { letterboxTensor } from "./host_letterbox.ts";
 * const white = { width: 2, height: 1, data: new Uint8Array(6).fill(255) };
 * const { shape, data } = letterboxTensor(white, 32, 32);
 * assert.deepEqual(shape, [1, 3, 32, 32]);
 * assert.equal(data[0], Math.fround(114 / 255)); // the border
 * assert.equal(data[16 * 32], 1);
 * ```
 */
export function letterboxTensor(
  image: RgbImage,
  width: number,
  height: number,
): { shape: [number, number, number, number]; data: Float32Array<ArrayBuffer> } {
  const { data: levels } = letterboxImage(image, width, height);
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let at = 0, from = 0; at < plane; at++) {
    for (let c = 0; c < 3; c++) data[c * plane + at] = levels[from++] / 255;
  }
  return { shape: [1, 3, height, width], data };
}
