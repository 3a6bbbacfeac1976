/**
 * Checks of what batches are made from.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { letterboxGeometry } from "../../image/letterbox_geometry.ts";
import type { Dataset, DatasetImage } from "../dataset.ts";
import { SMALLEST_SIDE } from "./boxes.ts";
import type { AugmentOptions } from "./options.ts";
import type { InputSize } from "./tile.ts";

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

/** Throws FeatherdetError for a set of which no box is ever large enough to be learned from, at the largest scale that may be drawn. */
export function checkVisible(
  { name, split, images }: Dataset,
  { scale }: Required<AugmentOptions>,
  [height, width]: InputSize,
): void {
  const isVisible = ({ width: across, height: down, boxes }: DatasetImage) => {
    const largest = (1 + scale) * letterboxGeometry(across, down, width, height).scale;
    return boxes.some(({ crowd, box: [x1, y1, x2, y2] }) =>
      !crowd && Math.min(x2 - x1, y2 - y1) * largest > SMALLEST_SIDE
    );
  };
  if (images.length === 0 || images.some(isVisible)) return;
  throw new FeatherdetError(
    `the data set ${name}${split === undefined ? "" : ` (${split})`} has no box of more than ${SMALLEST_SIDE} pixels ` +
      `in an input of ${width}x${height}: there is nothing to learn`,
  );
}
