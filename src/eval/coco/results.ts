/**
 * Detections in the form in which COCO's tools exchange results.
 *
 * @module
 */

import type { GroundTruth } from "../../data/dataset.ts";
import type { Detection } from "../../detect/detector.ts";

/** One detection, as a COCO results file has it. */
export interface CocoDetection {
  /** Number of the picture in the data set. */
  readonly image_id: number;
  /** The file's number of the class: `categoryIds[classId]` of the data set. */
  readonly category_id: number;
  /** Left, top, width, height in pixels of the picture. */
  readonly bbox: readonly [x: number, y: number, width: number, height: number];
  /** Confidence in 0..1. */
  readonly score: number;
}

/** What evaluation needs to know of a data set; every `Dataset` is one. */
export interface TruthSet {
  /** Names of the classes, by class number. */
  readonly classes: readonly string[];
  /** The number of each class in results, by class number. */
  readonly categoryIds: readonly number[];
  /** The pictures with their objects, in any order. */
  readonly images: readonly { readonly id: number; readonly boxes: readonly GroundTruth[] }[];
}

/** A thousandth of a pixel, as results files have it. */
function rounded(pixels: number): number {
  return Math.round(pixels * 1000) / 1000;
}

/**
 * What a detector found on a picture, in results form: coordinates to a thousandth of a pixel, scores as the shortest decimal that
 * is the same f32, so that a file that is read back has the very numbers. `classOf[classId]` is the data set's class for each class
 * of the model, or -1 for those that it does not have, which are left out.
 */
export function cocoDetections(
  imageId: number,
  found: readonly Detection[],
  classOf: readonly number[],
  categoryIds: readonly number[],
): CocoDetection[] {
  return found.filter(({ classId }) => classOf[classId] >= 0).map(({ box: [x1, y1, x2, y2], score, classId }) => ({
    image_id: imageId,
    category_id: categoryIds[classOf[classId]],
    bbox: [rounded(x1), rounded(y1), rounded(x2 - x1), rounded(y2 - y1)],
    score: Number(score.toPrecision(9)),
  }));
}
