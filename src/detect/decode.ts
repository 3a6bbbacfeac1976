/**
 * Makes detections from the numbers that the device sends back.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { MAX_DETECTIONS, RESULT_STRIDE } from "../kernels/detect/mod.ts";
import type { Corners } from "./letterbox.ts";

/** A found object, its class still a number. */
export interface RawDetection {
  /** In pixels of the picture. */
  readonly box: Corners;
  /** In 0..1. */
  readonly score: number;
  /** Number of the class, from 0. */
  readonly classId: number;
}

/** What `suppress` reports of an image. */
export interface ImageResult {
  /** Best first. */
  readonly detections: RawDetection[];
  /** Candidates before suppression. */
  readonly candidates: number;
  /** Bits of `FAULTS`: what no detection head can mean; 0 where all is well. */
  readonly faults: number;
  /**
   * Share of the boxes over the confidence whose second corner lies before the first, in 0..1; they are no candidates. 0 where the boxes are
   * decoded from maps.
   */
  readonly exchanged: number;
}

/**
 * Reads the result of one image from `detect/result`. Throws FeatherdetError if the numbers cannot be one, as after an
 * interrupted run.
 */
export function readDetections(result: Float32Array, image = 0): ImageResult {
  const at = image * RESULT_STRIDE;
  const [count, candidates, faults, exchanged] = result.subarray(at, at + 4);
  if (!(Number.isInteger(count) && count >= 0 && count <= MAX_DETECTIONS)) {
    throw new FeatherdetError(`the result of image ${image} says that it holds ${count} detections`);
  }
  const detections = Array.from({ length: count }, (_, i): RawDetection => {
    const [x1, y1, x2, y2, score, classId] = result.subarray(at + 4 + 6 * i, at + 10 + 6 * i);
    return { box: [x1, y1, x2, y2], score, classId };
  });
  return { detections, candidates, faults, exchanged };
}
