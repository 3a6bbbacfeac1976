/**
 * Calibration samples from a data set, as the detector makes its inputs.
 *
 * @module
 */

import type { CalibrationSample } from "../compress/statistics.ts";
import type { Dataset } from "../data/dataset.ts";
import { letterboxTensor } from "../detect/host_letterbox.ts";
import { type PictureForm, toPictureForm } from "../detect/picture_input.ts";
import { decodeAhead } from "./decode_ahead.ts";

/** Which samples to make. */
export interface CalibrationSamplesOptions {
  /** Side of the network's input, or height and width; default 640. */
  readonly size?: number | readonly [height: number, width: number];
  /** Number of pictures, from the first one; all by default. */
  readonly limit?: number;
  /** Name of the network's input; default `images`. */
  readonly input?: string;
  /** How that input takes pictures; by default `[1, 3, height, width]`, RGB in 0..1. */
  readonly form?: Omit<PictureForm, "name" | "height" | "width">;
}

/**
 * Reads the pictures of a data set as letterboxed tensors, `[1, 3, height, width]` by default, one by one, decoded ahead of time. The result can be
 * iterated several times.
 *
 * The loop throws FeatherdetError at a picture that cannot be read.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "../data/open.ts";
 * import { takeCalibrationSamples } from "./calibration.ts";
 * const dataset = await openDataset("synthetic", { split: "train", limit: 2 });
 * const samples = await Array.fromAsync(takeCalibrationSamples(dataset, { size: 64 }));
 * assert.deepEqual(samples.map(({ inputs }) => inputs.images.shape), [[1, 3, 64, 64], [1, 3, 64, 64]]);
 * ```
 */
export function takeCalibrationSamples(
  dataset: Dataset,
  { size = 640, limit, input = "images", form }: CalibrationSamplesOptions = {},
): AsyncIterable<CalibrationSample> {
  const [height, width] = typeof size === "number" ? [size, size] : size;
  const images = dataset.images.slice(0, limit);
  return {
    async *[Symbol.asyncIterator]() {
      let at = 0;
      for await (const { image } of decodeAhead(images)) {
        const tensor = letterboxTensor(image, width, height);
        yield { name: images[at++].name, inputs: { [input]: form ? toPictureForm(tensor, form) : tensor } };
      }
    },
  };
}
