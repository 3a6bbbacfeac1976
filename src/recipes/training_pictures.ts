/**
 * The pictures of a run: those to train on, with their labels or without, and those to choose the best epoch by.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import { openTrainingPart, openValidationPart } from "../data/parts.ts";
import { withoutLabels } from "../data/pictures.ts";
import { classNamesOf } from "../detect/class_names.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";

/** Which pictures. */
export interface TrainingPicturesOptions {
  /** Name of a data set, a folder, or its data.yaml. */
  readonly data?: string;
  /** Part to train on, and how many of its pictures. */
  readonly split?: string;
  readonly limit?: number;
  /** Part to validate on, how many of its pictures, and how often; 0 for never. */
  readonly valSplit?: string;
  readonly valLimit?: number;
  readonly valEvery?: number;
  /** False where a teacher alone teaches: pictures need no labels. */
  readonly labels?: boolean;
  /** Refuse what is otherwise put right or left out in it with a warning. */
  readonly strict?: boolean;
  /** Number that files in Pascal VOC's form give to the first pixel; by default what their boxes show. */
  readonly firstPixel?: 0 | 1;
  /** Pictures of more pixels are refused; 100,000,000 by default. */
  readonly maxPixels?: number;
}

/** What was opened. */
export interface TrainingPictures {
  readonly dataset: Dataset;
  readonly validation?: Dataset;
}

/** The classes of a teacher, by which pictures without labels are known. */
function classesOf(teacher: Graph | undefined): readonly string[] {
  const names = teacher && classNamesOf(teacher);
  if (names !== undefined) return names;
  throw new FeatherdetError("names no classes, and pictures without labels have none of their own", {
    file: teacher?.name,
  });
}

/** Why a part cannot be validated on by a detector of these classes; undefined where it can. */
function uselessFor({ images, classes }: Dataset, wanted: readonly string[]): string | undefined {
  if (images.every(({ boxes }) => boxes.length === 0)) return "has no boxes to validate by";
  return classes.join("\n") === wanted.join("\n") ? undefined : "has boxes of other classes than the teacher's";
}

/**
 * Opens the pictures of a run; `say` is told where there is nothing to validate on. Throws FeatherdetError as `openDataset` does, and for
 * pictures without labels whose teacher names no classes.
 */
export async function openTrainingPictures(
  { data, split, limit, valSplit, valLimit, valEvery, labels, strict, firstPixel, maxPixels }: TrainingPicturesOptions,
  teacher: Graph | undefined,
  say: (line: string) => void,
): Promise<TrainingPictures> {
  const found = await openTrainingPart(data!, { split, limit, labels, strict, firstPixel, maxPixels });
  const dataset = labels === false ? withoutLabels(found, classesOf(teacher)) : found;
  if (valEvery === 0) return { dataset };
  const validated = { split: valSplit, limit: valLimit, labels, strict, firstPixel, maxPixels };
  const validation = await openValidationPart(data!, dataset, validated);
  const none = validation === undefined
    ? `${data} has no part to validate on`
    : labels === false && uselessFor(validation, dataset.classes);
  if (!none) return { dataset, validation };
  say(`${validation ? `the validation part of ${data} ${none}` : none}: the last epoch counts as the best`);
  return { dataset };
}
