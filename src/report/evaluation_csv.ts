/**
 * An evaluation as CSV: its classes, its curves, its confusion matrix.
 *
 * @module
 */

// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvFormat, csvFormatRows } from "npm:d3-dsv@3.0.2";
import { type CocoResult, type ConfusionMatrix, IOU_THRESHOLDS } from "../eval/coco.ts";

/** A figure as COCO's tools write it: nothing where there is none. */
const known = (figure: number) => figure < 0 ? undefined : figure;

/**
 * A line for each class: objects, detections, average precision and recall; least confidence of greatest F1 at an overlap of 0.5 with
 * precision, recall and F1 there. Figures of classes without objects are empty.
 */
export function classesCsv({ perClass }: Pick<CocoResult, "perClass">): string {
  const lines = perClass.map(({ name, truths, detections, ap, ap50, ap75, ar, bestF1 }) => ({
    class: name,
    ...{ objects: truths, detections, map: known(ap), map50: known(ap50), map75: known(ap75), recall_mean: known(ar) },
    ...{ confidence: bestF1?.confidence, precision: bestF1?.precision, recall: bestF1?.recall, f1: bestF1?.f1 },
  }));
  return `${csvFormat(lines)}\n`;
}

/** Precision at each recall: mean of the classes at every overlap, and of each class that has objects at an overlap of 0.5. */
export function precisionRecallCsv(
  { perClass, curves }: Pick<CocoResult, "perClass" | "curves">,
): string {
  const overlaps = IOU_THRESHOLDS.map((overlap) => `overlap ${overlap.toFixed(2)}`);
  const shown = perClass.filter(({ classId }) => curves.perClass[classId].length > 0);
  return `${
    csvFormatRows([
      ["recall", ...overlaps, ...shown.map(({ name }) => `${name}, overlap 0.50`)],
      ...curves.recall.map((recall, i) =>
        [
          recall,
          ...curves.precision.map((values) => values[i]),
          ...shown.map(({ classId }) => curves.perClass[classId][i]),
        ].map((value) => value === undefined ? "" : String(value))
      ),
    ])
  }\n`;
}

/** Mean precision, recall and F1 of the classes at an overlap of 0.5 over least confidences. */
export function confidenceCsv({ confidence }: Pick<CocoResult["curves"], "confidence">): string {
  return `${csvFormat(confidence.map((point) => ({ ...point })), ["confidence", "precision", "recall", "f1"])}\n`;
}

/** The confusion matrix: a line for each class that something was found as, a column for each class that it is. */
export function confusionCsv({ names, counts }: ConfusionMatrix): string {
  return `${csvFormatRows([["found as", ...names], ...counts.map((row, i) => [names[i], ...row.map(String)])])}\n`;
}
