/**
 * Several splits of a data set as one, such as all pictures that may be trained on.
 *
 * @module
 */

import type { Dataset } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";

/** The name of one split, or of several that are joined: `train+extra`. */
export function splitNames(split: string): readonly string[] {
  return split.split("+");
}

/** True for ids that name one thing each. */
const areUnique = (ids: readonly number[]) => new Set(ids).size === ids.length;

/**
 * The pictures of all parts, in their order. Ids of pictures and boxes stay if no two are equal; otherwise they are numbered by their
 * place, from 1.
 *
 * Throws FeatherdetError for parts of other classes.
 */
export function joinDatasets(parts: readonly [Dataset, ...Dataset[]]): Dataset {
  const [first, ...others] = parts;
  const other = others.find(({ classes }) => JSON.stringify(classes) !== JSON.stringify(first.classes));
  if (other) {
    throw new FeatherdetError(
      `"${first.split}" and "${other.split}" of "${first.name}" cannot be joined: their classes differ`,
    );
  }
  const images = parts.flatMap((part) => part.images), boxes = images.flatMap((image) => image.boxes);
  const keepsImages = areUnique(images.map(({ id }) => id)), keepsBoxes = areUnique(boxes.map(({ id }) => id));
  let next = 1;
  const joined = keepsImages && keepsBoxes ? images : images.map((image, index) => ({
    ...{ name: image.name, file: image.file, width: image.width, height: image.height },
    ...(image.maxPixels !== undefined && { maxPixels: image.maxPixels }),
    id: keepsImages ? image.id : index + 1,
    boxes: keepsBoxes ? image.boxes : image.boxes.map((box) => ({ ...box, id: next++ })),
    bytes: () => image.bytes(),
    load: () => image.load(),
  }));
  return {
    ...{ name: first.name, classes: first.classes, categoryIds: first.categoryIds },
    split: parts.map(({ split }) => split).join("+"),
    images: joined,
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}
