/**
 * What a least confidence costs and gains: precision, recall and F1 of a class if only detections from a score on are kept.
 *
 * @module
 */

import type { ClassMatches } from "./match.ts";

/** Precision, recall and F1 at a least confidence. */
export interface ConfidencePoint {
  /** Least score of the detections that are kept. */
  readonly confidence: number;
  /** Share of these detections that are correct; 1 if there are none. */
  readonly precision: number;
  /** Share of the objects that these detections find. */
  readonly recall: number;
  /** Harmonic mean of the two. */
  readonly f1: number;
}

/** Least confidences at which the curves over all classes are given: 0 to 1 in thousandths. */
export const CONFIDENCE_POINTS: readonly number[] = Array.from({ length: 1001 }, (_, i) => i / 1000);

/** Counts at every score that occurs: keeping all detections of `score[i]` and more gives `right[i]` and `wrong[i]`. */
interface Steps {
  readonly score: readonly number[];
  readonly right: readonly number[];
  readonly wrong: readonly number[];
}

/** Counts of a class for the threshold of overlap number `threshold`, objects of any size. */
function countSteps(
  { score, areas: [{ matched, ignored }] }: ClassMatches,
  order: Uint32Array,
  threshold: number,
): Steps {
  const steps = { score: [] as number[], right: [] as number[], wrong: [] as number[] };
  let right = 0, wrong = 0;
  order.forEach((i, place) => {
    if ((ignored[i] >> threshold & 1) === 0) {
      if (matched[i] >> threshold & 1) right++;
      else wrong++;
    }
    // No threshold parts detections of one score.
    if (place + 1 < order.length && score[order[place + 1]] === score[i]) return;
    steps.score.push(score[i]);
    steps.right.push(right);
    steps.wrong.push(wrong);
  });
  return steps;
}

/** Without any detection nothing that is claimed is wrong: precision is 1. */
function pointOf(confidence: number, right: number, wrong: number, truths: number): ConfidencePoint {
  const precision = right + wrong === 0 ? 1 : right / (right + wrong);
  return { confidence, precision, recall: right / truths, f1: 2 * right / (right + wrong + truths) };
}

/** How a class does over least confidences. There must be true boxes. */
export interface ClassConfidence {
  /** Where F1 is greatest; of equally good ones the highest confidence. */
  readonly best: ConfidencePoint;
  /** At each of `CONFIDENCE_POINTS`. */
  readonly points: readonly ConfidencePoint[];
}

/** Precision, recall and F1 of a class over least confidences, by detections `order`, best first. */
export function classConfidence(matches: ClassMatches, order: Uint32Array, threshold = 0): ClassConfidence {
  const { truths } = matches.areas[0];
  const { score, right, wrong } = countSteps(matches, order, threshold);
  const steps = score.map((confidence, i) => pointOf(confidence, right[i], wrong[i], truths));
  const best = steps.reduce((best, point) => point.f1 > best.f1 ? point : best, steps[0] ?? pointOf(1, 0, 0, truths));
  const points: ConfidencePoint[] = new Array(CONFIDENCE_POINTS.length);
  let kept = score.length;
  CONFIDENCE_POINTS.forEach((confidence, p) => {
    while (kept > 0 && score[kept - 1] < confidence) kept--;
    points[p] = pointOf(confidence, right[kept - 1] ?? 0, wrong[kept - 1] ?? 0, truths);
  });
  return { best, points };
}

/** The mean of several classes' points, and where the mean F1 is greatest; of equally good ones the highest confidence. */
export function meanConfidence(classes: readonly ClassConfidence[]): ClassConfidence {
  const mean = (p: number, key: "precision" | "recall" | "f1") =>
    classes.reduce((sum, { points }) => sum + points[p][key], 0) / classes.length;
  const points = CONFIDENCE_POINTS.map((confidence, p): ConfidencePoint => ({
    confidence,
    precision: mean(p, "precision"),
    recall: mean(p, "recall"),
    f1: mean(p, "f1"),
  }));
  return { best: points.reduce((best, point) => point.f1 >= best.f1 ? point : best), points };
}
