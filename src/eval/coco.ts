/**
 * COCO's protocol for boxes: mean average precision and recall of detections against a data set.
 *
 * @module
 */

import { type ClassConfidence, classConfidence, type ConfidencePoint, meanConfidence } from "./coco/confidence.ts";
import { classFigures, cocoFigures, meanOf, precisionAt } from "./coco/figures.ts";
import { matchClass } from "./coco/match.ts";
import { type CocoFigures, IOU_75, IOU_THRESHOLDS, RECALL_POINTS } from "./coco/protocol.ts";
import type { CocoDetection, TruthSet } from "./coco/results.ts";
import { detectionTable, truthTable } from "./coco/table.ts";

export { type ClassConfidence, CONFIDENCE_POINTS, type ConfidencePoint } from "./coco/confidence.ts";
export { type ConfusionMatrix, type ConfusionOptions, countConfusions } from "./coco/confusion.ts";
export { type CocoFigures, FIGURE_NAMES, type FigureName, IOU_THRESHOLDS, RECALL_POINTS } from "./coco/protocol.ts";
export { type CocoDetection, cocoDetections, type TruthSet } from "./coco/results.ts";

/** How well one class is found. Precision and recall are -1 if the class has no object that counts. */
export interface ClassResult {
  /** Its number in the data set. */
  readonly classId: number;
  /** Its name in the data set. */
  readonly name: string;
  /** Objects that count. */
  readonly truths: number;
  /** Detections that were compared: at most a hundred a picture. */
  readonly detections: number;
  /** Average precision over overlaps of 0.5 to 0.95. */
  readonly ap: number;
  /** Average precision at an overlap of 0.5. */
  readonly ap50: number;
  /** Average precision at an overlap of 0.75. */
  readonly ap75: number;
  /** Average recall over overlaps of 0.5 to 0.95. */
  readonly ar: number;
  /** Least confidence at which F1 is greatest at an overlap of 0.5; undefined if the class has no object that counts. */
  readonly bestF1?: ConfidencePoint;
}

/** Curves over all classes that have objects, and of each. */
export interface CocoCurves {
  /** Recalls at which precision is given. */
  readonly recall: readonly number[];
  /** Mean precision of the classes at these recalls, for each overlap of `IOU_THRESHOLDS`; empty if no class has objects. */
  readonly precision: readonly (readonly number[])[];
  /** Precision at these recalls at an overlap of 0.5, by class number; empty for classes without objects. */
  readonly perClass: readonly (readonly number[])[];
  /** Mean precision, recall and F1 of the classes at an overlap of 0.5, over least confidences in steps of a thousandth. */
  readonly confidence: readonly ConfidencePoint[];
}

/** What `evaluateDetections` gives. */
export interface CocoResult {
  /** Mean average precision over overlaps of 0.5 to 0.95. */
  readonly map: number;
  /** Mean average precision at an overlap of 0.5. */
  readonly map50: number;
  /** Pictures of the data set. */
  readonly images: number;
  /** The twelve figures in the protocol's order. */
  readonly figures: CocoFigures;
  /** Every class of the data set, by class number. */
  readonly perClass: readonly ClassResult[];
  /** The least confidence of greatest mean F1 at an overlap of 0.5; undefined if no class has objects. */
  readonly bestF1?: ConfidencePoint;
  /** Precision over recall, and over confidence. */
  readonly curves: CocoCurves;
}

/** Mean of lists of the same length, place by place. */
function meanList(lists: readonly Float64Array[]): number[] {
  return Array.from(lists[0] ?? [], (_, i) => meanOf(lists.map((list) => list[i])));
}

/**
 * Compares detections with the true boxes of a data set as COCO's own tools do: ten overlaps from 0.5 to 0.95, precision at 101 recalls,
 * objects by size, at most a hundred detections of a class on a picture. It is no mistake to miss a crowd or to find it.
 *
 * Throws FeatherdetError for a detection of a picture or category that the data set does not have, and for a detection without a valid
 * box and score.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { evaluateDetections } from "./coco.ts";
 * const cat = { id: 1, classId: 0, box: [10, 10, 60, 40], area: 1500, crowd: false } as const;
 * const set = { classes: ["cat"], categoryIds: [17], images: [{ id: 1, boxes: [cat] }] };
 * const { map50 } = evaluateDetections(set, [{ image_id: 1, category_id: 17, bbox: [12, 10, 48, 30], score: 0.9 }]);
 * assert.ok(Math.abs(map50 - 1) < 1e-12);
 * ```
 */
export function evaluateDetections(set: TruthSet, detections: Iterable<CocoDetection>): CocoResult {
  const truth = truthTable(set), found = detectionTable(set, detections);
  const classes = set.classes.map((name, classId) => {
    const matches = matchClass(truth, found, classId);
    const figures = classFigures(matches);
    const accuracy = figures.areas[0];
    const confidence = accuracy && classConfidence(matches, figures.order);
    const average = (t: number) => accuracy ? meanOf(precisionAt(accuracy, t)) : -1;
    const result: ClassResult = {
      classId,
      name,
      truths: matches.areas[0].truths,
      detections: matches.score.length,
      ap: meanOf(accuracy?.precision ?? []),
      ap50: average(0),
      ap75: average(IOU_75),
      ar: meanOf(accuracy?.recall ?? []),
      ...(confidence && { bestF1: confidence.best }),
    };
    return { figures, accuracy, confidence, result };
  });
  const figures = cocoFigures(classes.map((one) => one.figures));
  const accuracies = classes.flatMap(({ accuracy }) => accuracy ?? []);
  const confidences = classes.flatMap(({ confidence }): ClassConfidence[] => confidence ? [confidence] : []);
  const overall = confidences.length > 0 ? meanConfidence(confidences) : undefined;
  return {
    map: figures.map,
    map50: figures.map50,
    images: set.images.length,
    figures,
    perClass: classes.map(({ result }) => result),
    ...(overall && { bestF1: overall.best }),
    curves: {
      recall: RECALL_POINTS,
      precision: IOU_THRESHOLDS.map((_, t) => meanList(accuracies.map((accuracy) => precisionAt(accuracy, t)))),
      perClass: classes.map(({ accuracy }) => accuracy ? [...precisionAt(accuracy, 0)] : []),
      confidence: overall?.points ?? [],
    },
  };
}
