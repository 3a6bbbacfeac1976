/**
 * Computes precision and recall from the assigned detections of one class.
 *
 * @module
 */

import type { Matches } from "./match.ts";
import { IOU_THRESHOLDS, RECALL_POINTS } from "./protocol.ts";

/** Precision and recall of a class in an area range with a number of detections a picture. */
export interface ClassAccuracy {
  /** Precision at each recall, threshold by threshold: `thresholds x recalls` numbers. */
  readonly precision: Float64Array;
  /** Recall reached at each threshold. */
  readonly recall: Float64Array;
}

/** Added to the number of detections, as the field's tools do: no division by zero, and the same last bits. */
const EPSILON = Number.EPSILON;

/** Detections best first, equal scores in the order given. */
export function bestFirst(score: Float64Array): Uint32Array {
  return Uint32Array.from(score, (_, i) => i).sort((a, b) => score[b] - score[a] || a - b);
}

/**
 * Precision at the recall points for cumulated counts of correct and wrong detections, best first. `out` holds zeros, which stay
 * where a recall is not reached.
 */
function samplePrecision(right: Float64Array, wrong: Float64Array, count: number, truths: number, out: Float64Array) {
  let point = RECALL_POINTS.length - 1, best = 0;
  const recall = (i: number) => i < 0 ? -1 : right[i] / truths;
  while (point >= 0 && RECALL_POINTS[point] > recall(count - 1)) point--;
  // From the last detection backwards: the best precision of this recall or more is what counts.
  for (let i = count - 1; i >= 0; i--) {
    best = Math.max(best, right[i] / (wrong[i] + right[i] + EPSILON));
    while (point >= 0 && RECALL_POINTS[point] > recall(i - 1)) out[point--] = best;
  }
}

/**
 * Precision and recall of a class from its detections, `order` best first; those of a `rank` of `most` and more on their picture are
 * left out. There must be true boxes.
 */
export function accumulate(
  { matched, ignored, truths }: Matches,
  order: Uint32Array,
  rank: Uint8Array,
  most: number,
): ClassAccuracy {
  const points = RECALL_POINTS.length;
  const precision = new Float64Array(IOU_THRESHOLDS.length * points), recall = new Float64Array(IOU_THRESHOLDS.length);
  const right = new Float64Array(order.length), wrong = new Float64Array(order.length);
  for (let t = 0; t < IOU_THRESHOLDS.length; t++) {
    let count = 0, correct = 0;
    for (const i of order) {
      if (rank[i] >= most || ignored[i] >> t & 1) continue;
      correct += matched[i] >> t & 1;
      right[count] = correct;
      wrong[count] = ++count - correct;
    }
    recall[t] = correct / truths;
    samplePrecision(right, wrong, count, truths, precision.subarray(t * points, (t + 1) * points));
  }
  return { precision, recall };
}
