/**
 * What the labels of a data set are like: how many objects each class has, where their centres lie, and how large they are.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";

/** Objects of a class. */
export interface ClassCount {
  /** Its name in the data set. */
  readonly name: string;
  /** Objects that count. */
  readonly objects: number;
  /** Pictures that show at least one of them. */
  readonly images: number;
}

/** Counts in square cells over 0..1 both ways: `counts[row * cells + column]`; row 0 is that of the least second coordinate. */
export interface CountGrid {
  /** Cells of a row, and rows. */
  readonly cells: number;
  /** How many fell into each. */
  readonly counts: readonly number[];
}

/** What `countLabels` gives. */
export interface LabelStatistics {
  /** Pictures. */
  readonly images: number;
  /** Pictures without an object that counts. */
  readonly empty: number;
  /** Objects that count. */
  readonly objects: number;
  /** Objects that do not: COCO's crowds, VOC's difficult ones. */
  readonly crowds: number;
  /** Every class, by class number. */
  readonly classes: readonly ClassCount[];
  /** Centres of boxes: shares of the picture's width and height, from the left and from the top. */
  readonly centres: CountGrid;
  /** Widths and heights of boxes as shares of the picture's. */
  readonly sizes: CountGrid;
}

/** Cells along an axis where nobody says. */
const CELLS = 32;

/** Counts points of 0..1; the upper end belongs to the last cell. */
function countPoints(points: readonly (readonly [number, number])[], cells: number): CountGrid {
  const counts = new Array<number>(cells * cells).fill(0);
  const cell = (value: number) => Math.min(cells - 1, Math.floor(value * cells));
  for (const [x, y] of points) counts[cell(y) * cells + cell(x)]++;
  return { cells, counts };
}

/**
 * Counts the labels of a data set. Objects that do not count (crowds) are counted by themselves and are in nothing else.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { countLabels } from "./label_statistics.ts";
 * const cat = { id: 1, classId: 0, box: [10, 10, 60, 40], area: 1500, crowd: false } as const;
 * const set = { classes: ["cat", "dog"], images: [{ width: 100, height: 50, boxes: [cat] }] };
 * const { classes, centres } = countLabels(set, 2);
 * assert.deepEqual(classes.map(({ objects }) => objects), [1, 0]);
 * assert.deepEqual(centres.counts, [0, 0, 1, 0]); // at 0.35 of the width, on half of the height
 * ```
 */
export function countLabels(
  { classes, images }: Pick<Dataset, "classes"> & {
    readonly images: readonly Pick<Dataset["images"][number], "width" | "height" | "boxes">[];
  },
  cells: number = CELLS,
): LabelStatistics {
  const objects = classes.map(() => 0), shown = classes.map(() => 0);
  const centres: [number, number][] = [], sizes: [number, number][] = [];
  let empty = 0, crowds = 0;
  for (const { width, height, boxes } of images) {
    const counted = boxes.filter(({ crowd }) => !crowd);
    crowds += boxes.length - counted.length;
    if (counted.length === 0) empty++;
    for (const classId of new Set(counted.map(({ classId }) => classId))) shown[classId]++;
    for (const { classId, box: [left, top, right, bottom] } of counted) {
      objects[classId]++;
      centres.push([(left + right) / 2 / width, (top + bottom) / 2 / height]);
      sizes.push([(right - left) / width, (bottom - top) / height]);
    }
  }
  return {
    images: images.length,
    ...{ empty, objects: centres.length, crowds },
    classes: classes.map((name, k) => ({ name, objects: objects[k], images: shown[k] })),
    centres: countPoints(centres, cells),
    sizes: countPoints(sizes, cells),
  };
}
