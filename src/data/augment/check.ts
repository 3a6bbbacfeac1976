/**
 * Checks of what batches are made from, so that faults are told before a run has begun.
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

function checkBoxes({ name, file, width, height, boxes }: DatasetImage, classes: number): void {
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

/** Throws FeatherdetError for a set without pictures, and for a box that is not inside its picture or of no class. */
export function checkDataset({ name, split, images, classes }: Dataset): void {
  if (images.length === 0) {
    throw new FeatherdetError(`the data set ${name}${split === undefined ? "" : ` (${split})`} holds no pictures`);
  }
  for (const image of images) checkBoxes(image, classes.length);
}
