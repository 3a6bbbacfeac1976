/**
 * Pictures for training: batches of augmented pictures with their boxes, made ahead of time.
 *
 * @module
 */

export type { RunPosition } from "./batch_sampler.ts";
export {
  type DatasetBatch,
  openTrainingBatches,
  stepsPerEpoch,
  TrainingBatches,
  type TrainingBatchesOptions,
} from "./batches.ts";
export { checkVisible } from "./check.ts";
export { countBoxRows } from "./most_boxes.ts";
export { augmentation, type AugmentOptions, DEFAULT_AUGMENTATION } from "./options.ts";
export type { InputSize } from "./tile.ts";
export type { View } from "./views.ts";
