/**
 * Suppression on the host, for networks that only map tensors to tensors.
 *
 * @module
 */

import type { RawDetection } from "../../detect/decode.ts";
import { suppressDetections } from "../../detect/nms.ts";
import type { Tensor } from "../../engine/session.ts";

const CONFIDENCE = 0.25, OVERLAP = 0.7;

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
