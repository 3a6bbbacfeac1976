/**
 * Fixed views of pictures: batches of the first epochs that come again in later ones, so that what is computed of them once can be kept.
 *
 * @module
 */

import type { RunPosition } from "./batch_sampler.ts";
import { batchOrder } from "./order.ts";

/** A batch by where it is shown first. */
export interface View extends RunPosition {
  /** Whether mosaics may be in it; a longer run has some at a place where a shorter one has none. */
  readonly mosaics: boolean;
}

/** What decides about views; see `TrainingBatchesOptions`. */
export interface ViewSettings {
  /** Views of each picture. */
  readonly views: number;
  readonly epochs: number;
  readonly closeMosaic: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly stepsPerEpoch: number;
}

/**
 * The views of a run. Its first `views` epochs are those of a run without fixed views; then their batches come again, in an order of each
 * epoch's own. So do those of the first `views` epochs without mosaics at its end.
 */
export class FixedViews {
  #order: { readonly epoch: number; readonly steps: Uint32Array } | undefined;

  constructor(private readonly settings: ViewSettings) {}

  /** The epochs with mosaics, and those without. */
  #phases() {
    const { epochs, closeMosaic } = this.settings, closed = Math.max(0, epochs - closeMosaic);
    return [{ first: 0, end: closed, mosaics: true }, { first: closed, end: epochs, mosaics: false }];
  }

  /** Which batch a step shows, by where it is shown first. */
  at({ epoch, step }: RunPosition): View {
    const { views, seed, shuffle, stepsPerEpoch } = this.settings;
    const { first, mosaics } = this.#phases().find(({ end }) => epoch < end)!;
    const view = first + (epoch - first) % views;
    if (view === epoch || !shuffle) return { epoch: view, step, mosaics };
    if (this.#order?.epoch !== epoch) this.#order = { epoch, steps: batchOrder(stepsPerEpoch, seed, epoch) };
    return { epoch: view, step: this.#order.steps[step], mosaics };
  }

  /** Every batch that is ever shown. */
  *all(): Generator<View, void, void> {
    const { views, stepsPerEpoch } = this.settings;
    for (const { first, end, mosaics } of this.#phases()) {
      for (let epoch = first; epoch < Math.min(end, first + views); epoch++) {
        for (let step = 0; step < stepsPerEpoch; step++) yield { epoch, step, mosaics };
      }
    }
  }
}
