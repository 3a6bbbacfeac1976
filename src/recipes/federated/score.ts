/**
 * The score of a model in federated training.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import { Detector } from "../../detect/detector.ts";
import { COCO_SETTINGS, evaluate } from "../../eval/evaluate.ts";
import type { Graph } from "../../graph/graph.ts";

/** mAP50-95 and mAP50 of a model on a data set. */
export async function scoreOf(
  model: Graph,
  dataset: Dataset,
): Promise<{ readonly map: number; readonly map50: number; readonly pictures: number }> {
  const detector = await Detector.load(model, COCO_SETTINGS);
  try {
    const { map, map50, images } = await evaluate(detector, dataset, { workers: 0 });
    return { map, map50, pictures: images };
  } finally {
    detector.destroy();
  }
}
