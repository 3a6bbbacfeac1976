/**
 * How many rows for boxes an input needs.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import { checkPictures } from "./check.ts";
import { augmentation, type AugmentOptions } from "./options.ts";
import { epochOrder, partnersNear } from "./order.ts";
import { drawSample, randomAt } from "./sample.ts";
import type { InputSize } from "./tile.ts";

/** Pictures that are drawn, without their pixels, to see how many boxes they have. */
const DRAWN = 2000;

/** No run's own, most likely. */
const SEED = 0x6d6f7374;

/** The proposal is a multiple of this. */
const STEP = 8;

/**
 * Rows that hold all boxes of nearly every picture: the most boxes of any of 2000 drawn pictures and of any picture of the set, rounded
 * up to a multiple of 8. `size` decides which boxes are too small to count; 640 by default.
 */
export function countBoxRows(
  dataset: Dataset,
  augment: AugmentOptions | false = {},
  size: InputSize = [640, 640],
): number {
  checkPictures(dataset);
  const options = augmentation(augment);
  const { images } = dataset;
  let most = images.reduce((count, { boxes }) => Math.max(count, boxes.filter(({ crowd }) => !crowd).length), 0);
  for (let drawn = 0, epoch = 0; options.mosaic > 0 && drawn < DRAWN; epoch++) {
    const order = epochOrder(images.length, SEED, epoch, true);
    for (let place = 0; place < order.length && drawn < DRAWN; place++, drawn++) {
      const partners = partnersNear(order, place);
      const sample = drawSample(images, order[place], partners, size, options, randomAt(SEED, epoch, place));
      most = Math.max(most, sample.boxes.length);
    }
  }
  return Math.max(STEP, Math.ceil(most / STEP) * STEP);
}
