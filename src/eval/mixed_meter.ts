/**
 * Measures what the search for a mixed assignment asks for: times and mAP of detectors on this adapter.
 *
 * @module
 */

import type { MixedMeter, MixedVariant, VariantTimes } from "../compress/quantize/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { Detector } from "../detect/detector.ts";
import { FeatherdetError } from "../graph/error.ts";
import { COCO_SETTINGS, evaluate } from "./evaluate.ts";
import { measureFrameTimes } from "./frame_times.ts";

/** How to measure. */
export interface MixedMeterOptions {
  /** Frames of each network, measured in turn; default 7. */
  readonly rounds?: number;
}

/**
 * Makes a meter that loads each network as a detector. It times networks on the first picture of a data set and measures mAP on all of
 * it.
 *
 * Throws FeatherdetError for a set without pictures. The meter's methods throw it for a graph that is no detector, for classes of the set
 * that the model lacks, and if the adapter has no timestamps.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodePng } from "../image/codec/encode.ts";
 * import { SYNTHETIC_CLASSES, syntheticPicture } from "../data/synthetic.ts";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { createMixedMeter } from "./mixed_meter.ts";
 * // A set of one picture; `openDataset("coco")` opens a large one.
 * const { image, objects } = syntheticPicture({ seed: 7, width: 64, height: 64 });
 * const boxes = objects.map(({ classId, box }, id) => ({ id, classId, box, area: 900, crowd: false }));
 * const picture = { id: 1, name: "1", width: 64, height: 64, boxes, load: async () => await image, bytes: () => encodePng(image) };
 * const classes = SYNTHETIC_CLASSES.map(({ label }) => label);
 * const dataset = { name: "one", classes, categoryIds: [1, 2, 3], images: [picture], warnings: [] };
 *
 * const meter = createMixedMeter(dataset, { rounds: 1 });
 * const graph = demoDetector({ size: 64 });
 * const [f32, f16] = await meter.times([{ graph, storage: "f32" }, { graph, storage: "f16" }]);
 * assert.ok(f32.milliseconds > 0 && f16.milliseconds > 0);
 * assert.ok(await meter.map({ graph, storage: "f32" }) >= 0);
 * ```
 */
export function createMixedMeter(dataset: Dataset, { rounds = 7 }: MixedMeterOptions = {}): MixedMeter {
  const [first] = dataset.images;
  if (first === undefined) throw new FeatherdetError(`the data set "${dataset.name}" has no pictures to measure on`);
  return {
    async times(variants: readonly MixedVariant[]): Promise<VariantTimes[]> {
      const picture = await first.load();
      const detectors: Detector[] = [];
      try {
        for (const { graph, storage } of variants) detectors.push(await Detector.load(graph, { precision: storage }));
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
    async map({ graph, storage }: MixedVariant): Promise<number> {
      const detector = await Detector.load(graph, { ...COCO_SETTINGS, precision: storage });
      try {
        return (await evaluate(detector, dataset)).map;
      } finally {
        detector.destroy();
      }
    },
  };
}
