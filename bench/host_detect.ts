/**
 * What surrounds a network that only maps tensors to tensors: letterbox before it, suppression after it, on the host.
 *
 * @module
 */

import type { RawDetection } from "../src/detect/decode.ts";
import type { RgbImage } from "../src/detect/image.ts";
import { letterboxGeometry } from "../src/detect/letterbox.ts";
import { suppressDetections } from "../src/detect/nms.ts";
import type { Tensor } from "../src/session.ts";

const CONFIDENCE = 0.25, OVERLAP = 0.7, GREY = 114 / 255;

/** The picture scaled bilinearly to the middle of an input `[1, 3, size, size]`, grey around it. */
export function letterboxTensor({ width, height, data }: RgbImage, size: number): Tensor {
  const place = letterboxGeometry(width, height, size, size);
  const out = new Float32Array(3 * size * size).fill(GREY);
  const neighbours = (to: number, from: number, count: number) => {
    const at = Math.min(Math.max((to + 0.5) * from / count - 0.5, 0), from - 1);
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, from - 1), share: at - low };
  };
  const columns = Array.from({ length: place.width }, (_, u) => neighbours(u, width, place.width));
  for (let v = 0; v < place.height; v++) {
    const y = neighbours(v, height, place.height);
    for (let u = 0; u < place.width; u++) {
      const x = columns[u];
      for (let c = 0; c < 3; c++) {
        const row = (j: number) => {
          const left = data[(j * width + x.low) * 3 + c];
          return left + x.share * (data[(j * width + x.high) * 3 + c] - left);
        };
        const upper = row(y.low);
        out[(c * size + place.top + v) * size + place.left + u] = (upper + y.share * (row(y.high) - upper)) / 255;
      }
    }
  }
  return { shape: [1, 3, size, size], data: out };
}

/** Boxes in pixels of the input from an output `[1, 4 + classes, anchors]`, best first. */
export function outputBoxes({ shape: [, rows, anchors], data }: Tensor): RawDetection[] {
  const candidates: RawDetection[] = [];
  for (let anchor = 0; anchor < anchors; anchor++) {
    let score = 0, classId = 0;
    for (let row = 4; row < rows; row++) {
      const value = data[row * anchors + anchor];
      if (value > score) [score, classId] = [value, row - 4];
    }
    if (score < CONFIDENCE) continue;
    const [x, y, width, height] = [0, 1, 2, 3].map((row) => data[row * anchors + anchor]);
    candidates.push({ box: [x - width / 2, y - height / 2, x + width / 2, y + height / 2], score, classId });
  }
  return suppressDetections(candidates, OVERLAP, 300);
}
