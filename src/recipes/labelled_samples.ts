/**
 * Samples with their true boxes from a data set: what gradients of a detector's loss are collected on.
 *
 * @module
 */

import type { CalibrationSample } from "../compress/statistics.ts";
import { countBoxRows, openTrainingBatches } from "../data/augment/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import type { CalibrationSamplesOptions } from "../eval/calibration.ts";

/**
 * Reads pictures of a data set as training does without augmentation: tensors `[1, 3, height, width]` and, as labels, boxes `[1, rows, 5]`
 * with as many rows in every sample. The order is that of an epoch with seed 0, so that the first ones are drawn from all. The result can
 * be iterated several times.
 *
 * Throws FeatherdetError for a data set without pictures; the loop throws one at a picture that cannot be read.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "../data/open.ts";
 * import { takeLabelledSamples } from "./labelled_samples.ts";
 * const dataset = await openDataset("synthetic", { split: "train", limit: 3 });
 * const samples = await Array.fromAsync(takeLabelledSamples(dataset, { size: 64, limit: 2 }));
 * assert.deepEqual(samples.map(({ inputs }) => inputs.images.shape), [[1, 3, 64, 64], [1, 3, 64, 64]]);
 * assert.ok(samples.every(({ labels }) => labels!.boxes.data[0] >= 0)); // the class of a box
 * ```
 */
export function takeLabelledSamples(
  dataset: Dataset,
  { size = 640, limit, input = "images" }: CalibrationSamplesOptions = {},
): AsyncIterable<CalibrationSample> {
  const [height, width] = typeof size === "number" ? [size, size] : size;
  const rows = countBoxRows(dataset, false, [height, width]);
  const batches = openTrainingBatches(dataset, {
    ...{ size: [height, width], batch: 1, boxes: rows, epochs: 1 },
    ...{ augment: false, workers: 0 },
  });
  return {
    async *[Symbol.asyncIterator]() {
      let left = limit ?? dataset.images.length;
      if (left <= 0) return;
      for await (const { images, boxes, pictures: [picture] } of batches) {
        yield {
          name: dataset.images[picture].name,
          inputs: { [input]: { shape: [1, 3, height, width], data: images } },
          labels: { boxes: { shape: [1, rows, 5], data: boxes } },
        };
        if (--left <= 0) break;
      }
    },
  };
}
