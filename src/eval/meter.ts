/**
 * Measures candidates of searches as detectors: times and mAP on this adapter.
 *
 * @module
 */

import type { Meter, MeterVariant, VariantTimes } from "../compress/meter.ts";
import type { Dataset } from "../data/dataset.ts";
import { Detector } from "../detect/detector.ts";
import { FeatherdetError } from "../graph/error.ts";
import { COCO_SETTINGS, evaluate } from "./evaluate.ts";
import { measureFrameTimes } from "./frame_times.ts";

/** How to measure. */
export interface MeterOptions {
  /** Frames of each network, measured in turn; default 7. */
  readonly rounds?: number;
}

/**
 * Makes a meter that loads each network as a detector. It times networks on the first picture of a data set; their score is mAP50-95 on
 * all of it.
 *
 * Throws FeatherdetError for a set without pictures. The meter's methods throw it for a graph that is no detector, for classes of the set
 * that the model lacks, and if the adapter has no timestamps.
 */
export function createMeter(dataset: Dataset, { rounds = 7 }: MeterOptions = {}): Meter {
  const [first] = dataset.images;
  if (first === undefined) throw new FeatherdetError(`the data set "${dataset.name}" has no pictures to measure on`);
  return {
    basis: `mAP50-95 on ${datasetText(dataset)}`,
    async times(variants: readonly MeterVariant[]): Promise<VariantTimes[]> {
      const picture = await first.load();
      const detectors: Detector[] = [];
      try {
        for (const { graph, storage } of variants) {
          detectors.push(await Detector.load(graph, { precision: storage, separate: true }));
        }
        // Of single dispatches the least: they are short, and what disturbs one of them must not decide over its layer.
        return (await measureFrameTimes(detectors, picture, rounds)).map(({ detect, dispatches }) => ({
          milliseconds: detect.median,
          device: dispatches.reduce((sum, { min }) => sum + min, 0),
          dispatches: dispatches.map(({ name, min }) => ({ name, milliseconds: min })),
        }));
      } finally {
        for (const detector of detectors) detector.destroy();
      }
    },
    async score({ graph, storage }: MeterVariant): Promise<number> {
      const detector = await Detector.load(graph, { ...COCO_SETTINGS, precision: storage });
      try {
        return (await evaluate(detector, dataset)).map;
      } finally {
        detector.destroy();
      }
    },
  };
}

/** Which pictures a data set has, as text: its name, its split, and the name and size of every picture. */
export function datasetText({ name, split, images }: Dataset): string {
  const pictures = images.map((image) => `${image.name} ${image.width}x${image.height}`).join(", ");
  return `${name}/${split ?? "all"}: ${pictures}`;
}
