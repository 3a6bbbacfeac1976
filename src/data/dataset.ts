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

/** One object that a picture truly shows. */
export interface GroundTruth {
  /** Unique in the data set. */
  readonly id: number;
  /** Index into the data set's `classes`. */
  readonly classId: number;
  /** Its box, clipped to the picture. */
  readonly box: TrueBox;
  /** Pixels it covers, by which COCO tells small from large: the file's own figure, or the box's area where there is none. */
  readonly area: number;
  /**
   * Whether it is left out of the count, neither demanded nor held against who finds it: COCO's crowds, VOC's difficult objects,
   * and what is nearly hidden in synthetic scenes.
   */
  readonly crowd: boolean;
}

/** One picture of a data set; its pixels are read when they are asked for. */
export interface DatasetImage {
  /** Unique in the data set: COCO's own number, or a number given by its place in the set. */
  readonly id: number;
  /** File name without folders, or what stands for it where there is no file. */
  readonly name: string;
  /** Where its file lies, where it has one: such pictures are decoded ahead of time. */
  readonly file?: string;
  /** Columns of the picture, as `load()` gives it. */
  readonly width: number;
  /** Rows of the picture, as `load()` gives it. */
  readonly height: number;
  /** Objects on it, those that are not counted included; may be empty. */
  readonly boxes: readonly GroundTruth[];
  /** Its file as it is stored (JPEG, PNG, WebP). Throws a `FeatherdetError` that names a file that has gone. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Its pixels. Throws a `FeatherdetError` that names a file that cannot be decoded. */
  load(): Promise<RgbImage>;
}

/** A data set, or one split of it. */
export interface Dataset {
  /** Short name for tables: `synthetic`, `bccd`, `coco`, or that of the folder. */
  readonly name: string;
  /** Split that was read (`train`, `val`, `test`), where there are splits. */
  readonly split?: string;
  /** Names of the classes, by class number. */
  readonly classes: readonly string[];
  /** Number of each class in COCO-form files, by class number: `categoryIds[classId]`. */
  readonly categoryIds: readonly number[];
  /** The pictures, always in the same order. */
  readonly images: readonly DatasetImage[];
  /** What was put right on reading, a sentence each; empty where all was well. */
  readonly warnings: readonly string[];
}
