/**
 * Figures of a model on pictures that it is not trained on.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import { Detector, type DetectorOptions } from "../../detect/detector.ts";
import { COCO_SETTINGS, evaluate } from "../../eval/evaluate.ts";
import type { Graph } from "../../graph/mod.ts";
import type { Score } from "../../train/loop/record.ts";

/** mAP of a model on a data set. Throws FeatherdetError as `evaluate` does. */
export async function validate(
  model: Graph,
  dataset: Dataset,
  { workers, tuning }: { readonly workers?: number } & Pick<DetectorOptions, "tuning"> = {},
): Promise<Score> {
  const detector = await Detector.load(model, { ...COCO_SETTINGS, tuning });
  try {
    const { map, map50 } = await evaluate(detector, dataset, { workers });
    return { map, map50 };
  } finally {
    detector.destroy();
  }
}
