/**
 * Folders of pictures without labels, and data sets whose labels are not looked at: a student learns from its teacher on them.
 *
 * @module
 */

import { join, parse } from "node:path";
import type { Dataset, DatasetImage } from "./dataset.ts";
import { kindOf, mapPooled, namesIn, PICTURE_NAME } from "./files.ts";
import { categoryIdsFor, type Folder, pictureIds, type Reading } from "./folder.ts";
import { PictureFile, pictureSize } from "./picture_file.ts";

/** Splits that are looked for. */
const SPLITS = ["train", "val", "test"];

/** Where the pictures of a split are: in `images/SPLIT`, `SPLIT/images` or `SPLIT`; without splits in `images` or in the folder itself. */
export function picturePlace(path: string, split?: string): string | undefined {
  const places = split === undefined
    ? [join(path, "images"), path]
    : [join(path, "images", split), join(path, split, "images"), join(path, split)];
  return places.find((place) => kindOf(place) === "folder" && namesIn(place, PICTURE_NAME).length > 0);
}

/** Splits that a folder of pictures has. */
export function pictureSplits(path: string): string[] {
  return SPLITS.filter((split) => picturePlace(path, split) !== undefined);
}

/** Reads the pictures of a place. They show no boxes, and are of no classes. */
export async function readPictures({ limit, remarks }: Folder, place: string): Promise<Reading> {
  const names = namesIn(place, PICTURE_NAME).slice(0, limit);
  const ids = pictureIds(names.map((name) => parse(name).name));
  const images = await mapPooled(names, 16, async (name, index) => {
    const file = join(place, name);
    const size = await pictureSize(file, remarks);
    return new PictureFile({ id: ids[index], name, ...size, boxes: [], file }, remarks);
  });
  return { classes: [], categoryIds: [], images, warnings: [] };
}

/**
 * The pictures alone, for a detector of these classes: what a teacher teaches on.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "./open.ts";
 * import { withoutLabels } from "./pictures.ts";
 * const scenes = await openDataset("synthetic", { limit: 2, size: 64 });
 * const pictures = withoutLabels(scenes, ["red", "green"]);
 * assert.deepEqual([pictures.images.length, pictures.images[0].boxes.length, pictures.classes.length], [2, 0, 2]);
 * ```
 */
export function withoutLabels(dataset: Dataset, classes: readonly string[]): Dataset {
  const images = dataset.images.map((image): DatasetImage => ({
    ...{ id: image.id, name: image.name, width: image.width, height: image.height, boxes: [] },
    ...(image.file !== undefined && { file: image.file }),
    ...(image.maxPixels !== undefined && { maxPixels: image.maxPixels }),
    bytes: () => image.bytes(),
    load: () => image.load(),
  }));
  return { ...dataset, classes, categoryIds: categoryIdsFor(classes), images };
}
