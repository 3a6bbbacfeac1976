/**
 * Checks of what batches are made from.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Dataset, DatasetImage } from "../dataset.ts";

/** Throws FeatherdetError unless it is a whole number from `least`. */
export function checkWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new FeatherdetError(`${name} of a training input is ${value}, expected a whole number from ${least}`);
}

/** Throws FeatherdetError, by its name, for a picture with a box that is not inside it or of no class. */
export function checkBoxes({ name, file, width, height, boxes }: DatasetImage, classes: number): void {
  for (const { id, classId, box: [x1, y1, x2, y2] } of boxes) {
    if (!(Number.isInteger(classId) && classId >= 0 && classId < classes)) {
      throw new FeatherdetError(`box ${id} is of class ${classId}, there are ${classes}`, { file: file ?? name });
    }
    if (!(x1 >= 0 && x1 < x2 && x2 <= width && y1 >= 0 && y1 < y2 && y2 <= height)) {
      throw new FeatherdetError(
        `box ${id} from (${x1}, ${y1}) to (${x2}, ${y2}) is not inside its image of ${width}x${height}`,
        { file: file ?? name },
      );
    }
  }
}

/** Throws FeatherdetError for a set without pictures. */
export function checkPictures({ name, split, images }: Dataset): void {
  if (images.length > 0) return;
  throw new FeatherdetError(`the data set ${name}${split === undefined ? "" : ` (${split})`} holds no pictures`);
}
