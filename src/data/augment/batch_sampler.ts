/**
 * Draws what the batches of a run are made of, any of them at any time.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import { checkBoxes } from "./check.ts";
import type { AugmentOptions } from "./options.ts";
import { epochOrder, partnersNear } from "./order.ts";
import { drawSample, randomAt, type Sample } from "./sample.ts";
import type { InputSize } from "./tile.ts";

/** A place in a run: epochs and steps of an epoch, counted from 0. */
export interface RunPosition {
  /** Passes over the data set that were completed before. */
  readonly epoch: number;
  /** Batches of this pass before this one. */
  readonly step: number;
}

/** What decides about batches; see `TrainingBatchesOptions`. */
export interface BatchSettings {
  readonly size: InputSize;
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  readonly augment: Required<AugmentOptions>;
  readonly closeMosaic: number;
  readonly shuffle: boolean;
}

/** A picture's place in the data set, and what is made of it. */
export interface DrawnSample {
  readonly picture: number;
  readonly sample: Sample;
}

/** Samples by their position in the run. */
export class BatchSampler {
  #order: { readonly epoch: number; readonly places: Uint32Array } | undefined;

  constructor(private readonly dataset: Dataset, private readonly settings: BatchSettings) {}

  /** Those of a batch. Throws FeatherdetError, by its name, for a picture with a box that is not inside it or of no class. */
  samples({ epoch, step }: RunPosition): DrawnSample[] {
    const { size, batch, epochs, seed, augment, closeMosaic } = this.settings;
    const { images, classes } = this.dataset;
    const order = this.#orderOf(epoch);
    const options = epoch >= epochs - closeMosaic ? { ...augment, mosaic: 0 } : augment;
    return Array.from({ length: batch }, (_, i) => {
      // Not wrapped around, so that a picture that comes twice is not twice the same.
      const index = step * batch + i;
      const place = index % order.length;
      const sample = drawSample(
        images,
        order[place],
        partnersNear(order, place),
        size,
        options,
        randomAt(seed, epoch, index),
      );
      for (const { picture } of sample.tiles) checkBoxes(images[picture], classes.length);
      return { picture: order[place], sample };
    });
  }

  #orderOf(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch) {
      const { seed, shuffle } = this.settings;
      this.#order = { epoch, places: epochOrder(this.dataset.images.length, seed, epoch, shuffle) };
    }
    return this.#order.places;
  }
}
