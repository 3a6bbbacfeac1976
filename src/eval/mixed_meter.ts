/**
 * Measures what the search for a mixed assignment asks for: times and mAP of detectors on this adapter.
 *
 * @module
 */

import type { MixedMeter } from "../compress/quantize/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { createMeter, type MeterOptions } from "./meter.ts";

/** How to measure. */
export type MixedMeterOptions = MeterOptions;

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
export function createMixedMeter(dataset: Dataset, options: MixedMeterOptions = {}): MixedMeter {
  const meter = createMeter(dataset, options);
  return { times: (variants) => meter.times(variants), map: (variant) => meter.score(variant) };
}
