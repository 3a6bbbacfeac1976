/**
 * The input of training: a data set as a stream of augmented batches. Equal seeds give equal batches, wherever the stream begins and
 * whichever worker makes them.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { usualWorkers } from "../../image/side_worker.ts";
import { BatchSampler, type RunPosition } from "./batch_sampler.ts";
import { checkPictures, checkWhole } from "./check.ts";
import { augmentation, type AugmentOptions } from "./options.ts";
import { packBoxes } from "./pack_boxes.ts";
import type { InputSize } from "./tile.ts";
import { unlessAborted } from "../../graph/abort.ts";
import { FixedViews, type View } from "./views.ts";
import { Workshop } from "./workshop.ts";

/** A batch and where in the run it stands; a `TrainingBatch` of `src/train/loop/trainer.ts` as well. */
export interface DatasetBatch extends RunPosition {
  /** `[batch, 3, height, width]`, row-major: red, green, blue in 0..1. */
  readonly images: Float32Array<ArrayBuffer>;
  /**
   * `[batch, boxes, 5]`: class, left, top, right, bottom in pixels of the input. Rows that hold no box have class -1; they come
   * after those that do.
   */
  readonly boxes: Float32Array<ArrayBuffer>;
  /** Places in the data set of the pictures; that of the first of four for a mosaic. */
  readonly pictures: readonly number[];
  /** Boxes that were left out because their picture had more than there are rows. */
  readonly dropped: number;
  /** Where in the run these pictures are shown first: with fixed views an earlier place, or this one. */
  readonly view: View;
}

/** What batches to make. */
export interface TrainingBatchesOptions {
  /** Height and width of the network's input. */
  readonly size: InputSize;
  /** Pictures of a batch. */
  readonly batch: number;
  /** Rows for boxes of each picture; `countBoxRows` proposes a number. If a picture has more boxes, the smallest are left out. */
  readonly boxes: number;
  /** Epochs of the run. */
  readonly epochs: number;
  /** Equal seeds give equal batches; 0 by default. */
  readonly seed?: number;
  /** Where to begin; at the first batch by default. The batches are those that the whole run has from there on. */
  readonly start?: RunPosition;
  /** What is done to the pictures. Options that are not given have their usual values; `false` only letterboxes. */
  readonly augment?: AugmentOptions | false;
  /** Number of epochs at the end without mosaics, so that training ends with pictures as the detector will meet them; 10 by default. */
  readonly closeMosaic?: number;
  /**
   * Fixed views of each picture: the batches of so many epochs come again and again, in an order of each epoch's own. Where the end of the
   * run has no mosaics, it has as many views of its own. By default every epoch has others.
   */
  readonly views?: number;
  /** Whether each epoch has an order of its own; true by default. */
  readonly shuffle?: boolean;
  /**
   * Workers that decode and make batches; half of the processors by default. With 0, this thread makes a batch when it is asked for one.
   */
  readonly workers?: number;
  /** Batches that are made ahead of time by workers; 2 by default. */
  readonly ahead?: number;
  /** About how many bytes of decoded pictures are kept; 512 MiB by default. Pictures beyond that are decoded again. */
  readonly memory?: number;
  /** Ends the stream: whoever waits for a batch gets a rejection with the signal's reason. */
  readonly signal?: AbortSignal;
}

const DEFAULTS = { seed: 0, closeMosaic: 10, shuffle: true, ahead: 2, memory: 512 * 2 ** 20 };

/** Steps of an epoch: the last batch is filled up from the beginning of the epoch's order. */
export function stepsPerEpoch(pictures: number, batch: number): number {
  return Math.ceil(pictures / batch);
}

/** The batches of a run, for `for await`. Each loop begins again at the start. */
export class TrainingBatches implements AsyncIterable<DatasetBatch> {
  /** Steps of each epoch. */
  readonly stepsPerEpoch: number;
  readonly #options: TrainingBatchesOptions & typeof DEFAULTS & {
    readonly start: RunPosition;
    readonly workers: number;
  };
  readonly #sampler: BatchSampler;
  readonly #views: FixedViews;
  #dropped = 0;

  /** Call `openTrainingBatches` instead. */
  constructor(private readonly dataset: Dataset, options: TrainingBatchesOptions) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const usual = { ...DEFAULTS, start: { epoch: 0, step: 0 }, workers: usualWorkers() };
    this.#options = { ...usual, ...given as unknown as TrainingBatchesOptions & typeof usual };
    const { size, batch, boxes, epochs, seed, start, closeMosaic, workers, ahead, memory } = this.#options;
    const { views = epochs } = this.#options;
    for (
      const [name, value] of Object.entries({ height: size[0], width: size[1], batch, boxes, epochs, ahead, views })
    ) {
      checkWhole(`"${name}"`, value, 1);
    }
    for (const [name, value] of Object.entries({ closeMosaic, workers, memory })) checkWhole(`"${name}"`, value, 0);
    checkWhole('"seed"', seed, Number.MIN_SAFE_INTEGER);
    checkPictures(dataset);
    this.stepsPerEpoch = stepsPerEpoch(dataset.images.length, batch);
    this.#checkStart(start);
    this.#views = new FixedViews({ ...this.#options, views, stepsPerEpoch: this.stepsPerEpoch });
    this.#sampler = new BatchSampler(dataset, { ...this.#options, augment: augmentation(options.augment) });
  }

  /** What was corrected while the data set was read, and how many boxes have found no row so far, a sentence each. */
  warnings(): string[] {
    const { boxes } = this.#options;
    const found = [...this.dataset.warnings];
    if (this.#dropped > 0) {
      const count = `${this.#dropped} ${this.#dropped === 1 ? "box" : "boxes"}`;
      found.push(`${count} left out of pictures with more than the ${boxes} that an input has rows for`);
    }
    return found;
  }

  /** The batches from the options' start on. */
  [Symbol.asyncIterator](): AsyncGenerator<DatasetBatch, void, void> {
    return this.read(this.#options.start);
  }

  /**
   * The batches from a place in the run to its end. Workers, if there are any, make them ahead of time, and end with the loop. Throws
   * FeatherdetError for a place that the run does not have, and for a picture that cannot be read.
   */
  async *read(start: RunPosition): AsyncGenerator<DatasetBatch, void, void> {
    this.#checkStart(start);
    for await (const batch of this.#stream(this.#positions(start))) {
      this.#dropped += batch.dropped;
      yield batch;
    }
  }

  /** Where every batch that the run ever shows is shown first. */
  get views(): readonly View[] {
    return [...this.#views.all()];
  }

  /** The batches of some places of the run, one after the other. Throws as `read` does. */
  async *readAt(places: readonly RunPosition[]): AsyncGenerator<DatasetBatch, void, void> {
    for (const place of places) this.#checkStart(place);
    yield* this.#stream(places);
  }

  async *#stream(positions: Iterable<RunPosition>): AsyncGenerator<DatasetBatch, void, void> {
    const { size: input, workers, ahead, memory, signal } = this.#options;
    signal?.throwIfAborted();
    const workshop = new Workshop({ images: this.dataset.images, input, workers, memory });
    const begun: Promise<DatasetBatch>[] = [];
    const take = () => {
      const next = begun.shift()!;
      return unlessAborted(next, signal);
    };
    try {
      for (const position of positions) {
        const made = this.#make(position, workshop);
        // A failure is reported when its turn comes.
        made.catch(() => {});
        begun.push(made);
        if (begun.length <= (workers > 0 ? ahead : 0)) continue;
        yield await take();
        signal?.throwIfAborted();
      }
      while (begun.length > 0) {
        yield await take();
        signal?.throwIfAborted();
      }
    } finally {
      workshop.close();
    }
  }

  /** A step just behind the last one of an epoch is the beginning of the next. */
  #checkStart({ epoch, step }: RunPosition): void {
    checkWhole('"start.epoch"', epoch, 0);
    checkWhole('"start.step"', step, 0);
    if (step > this.stepsPerEpoch) {
      throw new FeatherdetError(
        `a training input cannot start at step ${step} of an epoch that has ${this.stepsPerEpoch} steps`,
      );
    }
  }

  *#positions(start: RunPosition): Generator<RunPosition, void, void> {
    const { epochs } = this.#options;
    for (let epoch = start.epoch; epoch < epochs; epoch++) {
      const first = epoch === start.epoch ? start.step : 0;
      for (let step = first; step < this.stepsPerEpoch; step++) yield { epoch, step };
    }
  }

  async #make(position: RunPosition, workshop: Workshop): Promise<DatasetBatch> {
    const view = this.#views.at(position);
    const drawn = this.#sampler.samples(view);
    const packed = packBoxes(drawn.map(({ sample }) => sample.boxes), this.#options.boxes);
    // Only what pixels need goes to a worker.
    const images = await workshop.pictures(drawn.map(({ sample: { tiles, colour } }) => ({ tiles, colour })));
    return { ...position, images, ...packed, pictures: drawn.map(({ picture }) => picture), view };
  }
}

/**
 * The batches with which a detector is trained on a data set: shuffled, augmented, letterboxed to the size of the network's input.
 *
 * A batch depends only on the seed and on its position, not on the workers, the memory or the place where the stream began. A resumed run
 * therefore gets the batches that the whole run would have got. Pictures and boxes go through one affine map, composed of mosaic, scale,
 * turn, shear, move and mirror. Pixels are sampled bilinearly, once; a picture that is shown much smaller is first shrunk by averaging.
 * Objects that the data set does not count (crowds) have no boxes.
 *
 * Throws FeatherdetError for an option out of its range and a data set without pictures. The loop throws one that names the picture if a
 * picture cannot be read or has a box outside.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticDataset } from "../synthetic_scenes.ts";
 * import { openTrainingBatches } from "./batches.ts";
 *
 * const dataset = syntheticDataset({ split: "train", count: 5, size: 64 });
 * const batches = openTrainingBatches(dataset, { size: [64, 64], batch: 2, boxes: 20, epochs: 1, workers: 0 });
 * const sizes: number[][] = [];
 * for await (const { images, boxes } of batches) sizes.push([images.length, boxes.length]);
 * assert.deepEqual(sizes, Array(3).fill([2 * 3 * 64 * 64, 2 * 20 * 5]));
 * ```
 */
export function openTrainingBatches(dataset: Dataset, options: TrainingBatchesOptions): TrainingBatches {
  return new TrainingBatches(dataset, options);
}
