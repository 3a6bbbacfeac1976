/**
 * The confusion matrix: which classes a detector takes for which others, what it misses, and what it finds where there is nothing.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { overlap } from "./overlap.ts";
import type { CocoDetection, TruthSet } from "./results.ts";
import { type DetectionTable, detectionTable, type TruthTable, truthTable } from "./table.ts";

/** When a detection counts as one of an object. */
export interface ConfusionOptions {
  /** Least overlap, whatever the classes. Default 0.5. */
  readonly iou?: number;
  /** Least score. Default 0.25. */
  readonly confidence?: number;
}

/** Which class the objects of each class were found as. */
export interface ConfusionMatrix {
  /** Names of rows and columns: the classes, then `background`. */
  readonly names: readonly string[];
  /**
   * `counts[found][true]`: how many objects of the class `true` were found as `found`. The last row counts those that were missed,
   * the last column detections of nothing.
   */
  readonly counts: readonly (readonly number[])[];
  /** Least overlap of a detection with its object. */
  readonly iou: number;
  /** Least score of a detection. */
  readonly confidence: number;
}

interface Pair {
  readonly found: number;
  readonly truth: number;
  readonly value: number;
}

/** Rows of a table that `keep` holds for, by picture, each with its class. */
function byPicture(
  { image, start }: TruthTable | DetectionTable,
  keep: (row: number) => boolean,
): Map<number, { row: number; classId: number }[]> {
  const pictures = new Map<number, { row: number; classId: number }[]>();
  for (let classId = 0; classId + 1 < start.length; classId++) {
    for (let row = start[classId]; row < start[classId + 1]; row++) {
      if (!keep(row)) continue;
      const rows = pictures.get(image[row]);
      if (rows) rows.push({ row, classId });
      else pictures.set(image[row], [{ row, classId }]);
    }
  }
  return pictures;
}

/**
 * Counts which class each object was found as. On each picture objects and detections are paired, whatever their classes, each once:
 * first the pair that overlaps most, then the next; of equal pairs the one with the higher score. Detections that lie in crowds, or in
 * other objects that do not count, are no mistakes.
 *
 * Throws FeatherdetError as `evaluateDetections` does, and for a threshold outside 0..1.
 */
export function countConfusions(
  set: TruthSet,
  detections: Iterable<CocoDetection>,
  { iou = 0.5, confidence = 0.25 }: ConfusionOptions = {},
): ConfusionMatrix {
  if (!(iou > 0 && iou <= 1 && confidence >= 0 && confidence <= 1)) {
    throw new FeatherdetError(`an overlap of ${iou} and a confidence of ${confidence} are not between 0 and 1`);
  }
  const truth = truthTable(set), found = detectionTable(set, detections);
  const background = set.classes.length;
  const counts = Array.from({ length: background + 1 }, () => new Array<number>(background + 1).fill(0));
  const truths = byPicture(truth, () => true), claims = byPicture(found, (row) => found.score[row] >= confidence);
  for (const picture of new Set([...truths.keys(), ...claims.keys()])) {
    const objects = (truths.get(picture) ?? []).filter(({ row }) => truth.crowd[row] === 0);
    const crowds = (truths.get(picture) ?? []).filter(({ row }) => truth.crowd[row] === 1);
    const claimed = claims.get(picture) ?? [];
    const pairs = claimed.flatMap(({ row }, c): Pair[] =>
      objects.map((object, o) => ({ found: c, truth: o, value: overlap(found.box, row, truth.box, object.row, false) }))
    ).filter(({ value }) => value >= iou);
    pairs.sort((a, b) => b.value - a.value || found.score[claimed[b.found].row] - found.score[claimed[a.found].row]);
    const used = new Set<number>(), seen = new Set<number>();
    for (const pair of pairs) {
      if (used.has(pair.found) || seen.has(pair.truth)) continue;
      used.add(pair.found);
      seen.add(pair.truth);
      counts[claimed[pair.found].classId][objects[pair.truth].classId]++;
    }
    objects.forEach(({ classId }, o) => seen.has(o) || counts[background][classId]++);
    claimed.forEach(({ row, classId }, c) => {
      if (used.has(c)) return;
      if (crowds.some((crowd) => overlap(found.box, row, truth.box, crowd.row, true) >= iou)) return;
      counts[classId][background]++;
    });
  }
  return { names: [...set.classes, "background"], counts, iou, confidence };
}
