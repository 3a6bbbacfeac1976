/**
 * The form that every data set has once it is read, whatever its files look like: classes, pictures, true boxes.
 *
 * Boxes are edges in pixels of the picture as `load()` gives it. Classes are numbered from 0 in the order of `classes`; the numbers
 * that COCO-form files use for them are in `categoryIds`.
 *
 * @module
 */

import type { RgbImage } from "../image/rgb_image.ts";

/** Left, top, right, bottom edges in pixels: `0 <= x1 < x2 <= width`, `0 <= y1 < y2 <= height`. */
export type TrueBox = readonly [x1: number, y1: number, x2: number, y2: number];

/** One object that a picture shows. */
export interface GroundTruth {
  /** Unique in the data set. */
  readonly id: number;
  /** Index into the data set's `classes`. */
  readonly classId: number;
  /** Its box, clipped to the picture. */
  readonly box: TrueBox;
  /** Pixels it covers, by which COCO tells small objects from large ones: the file's own figure, or else the box's area. */
  readonly area: number;
  /**
   * True for an object that is not counted: it is no mistake to miss it or to find it. These are COCO's crowds, VOC's difficult objects,
   * and nearly hidden objects of synthetic scenes.
   */
  readonly crowd: boolean;
}

/** One picture of a data set. Its pixels are read when `load` is called. */
export interface DatasetImage {
  /** Unique in the data set: COCO's own number, or a number given by its place in the set. */
  readonly id: number;
  /** File name without folders, or another name if there is no file. */
  readonly name: string;
  /** Path of its file, if it has one. Pictures with a file are decoded ahead of time. */
  readonly file?: string;
  /** Most pixels that its file may have, where that is not the usual number. */
  readonly maxPixels?: number;
  /** Columns of the picture, as `load()` gives it. */
  readonly width: number;
  /** Rows of the picture, as `load()` gives it. */
  readonly height: number;
  /** Objects on it, including those that are not counted; may be empty. */
  readonly boxes: readonly GroundTruth[];
  /** Its file as it is stored. Throws a `FeatherdetError` that names a file that has gone. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Its pixels. Throws a `FeatherdetError` that names a file that cannot be decoded. */
  load(): Promise<RgbImage>;
}

/** A data set, or one split of it. */
export interface Dataset {
  /** Short name for tables: `synthetic`, `bccd`, `coco`, or the name of the folder. */
  readonly name: string;
  /** Split that was read (`train`, `val`, `test`), where there are splits. */
  readonly split?: string;
  /** Names of the classes, by class number. */
  readonly classes: readonly string[];
  /** Number of each class in COCO-form files, by class number: `categoryIds[classId]`. */
  readonly categoryIds: readonly number[];
  /** The pictures, always in the same order. */
  readonly images: readonly DatasetImage[];
  /** What was corrected while it was read, a sentence each; usually empty. */
  readonly warnings: readonly string[];
}
