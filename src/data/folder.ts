/**
 * What the readers of folders share: the folder that is read, and the form of the result.
 *
 * @module
 */

import type { Dataset } from "./dataset.ts";
import type { Remarks } from "./remarks.ts";

/** A folder to be read. */
export interface Folder {
  /** Where it is. */
  readonly path: string;
  /** Split that is read, where there are splits. */
  readonly split?: string;
  /** Keep only the first so many pictures. */
  readonly limit?: number;
  /** Takes what is put right or left out. */
  readonly remarks?: Remarks;
}

/** What a reader finds. */
export type Reading = Pick<Dataset, "classes" | "categoryIds" | "images" | "warnings">;

/** One form that a folder has: its splits (none if it has no splits), and how one is read. */
export interface Form {
  readonly splits: readonly string[];
  read(split: string | undefined): Promise<Reading>;
}

/** Numbers pictures by their file names where all of those are numbers, as COCO's are, else by their place from 1. */
export function pictureIds(stems: readonly string[]): number[] {
  const numbers = stems.map((stem) => /^\d{1,15}$/.test(stem) ? Number(stem) : NaN);
  const usable = numbers.every((number) => !Number.isNaN(number)) && new Set(numbers).size === numbers.length;
  return usable ? numbers : stems.map((_, index) => index + 1);
}

/** Numbers that COCO skipped among its 90. */
const UNUSED_BY_COCO = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);

/** Category numbers for classes that come without: COCO's own for its 80 classes, else 1, 2, 3 and so on. */
export function categoryIdsFor(classes: readonly string[]): number[] {
  const all = Array.from({ length: 90 }, (_, index) => index + 1);
  const isCoco = classes.length === 80 && classes[0] === "person" && classes[79] === "toothbrush";
  return isCoco ? all.filter((id) => !UNUSED_BY_COCO.has(id)) : classes.map((_, classId) => classId + 1);
}
