/**
 * Pictures for training: batches of augmented pictures with their boxes, made ahead of time.
 *
 * @module
 */

export {
  type DatasetBatch,
  type RunPosition,
  TrainingBatches,
  trainingBatches,
  type TrainingBatchesOptions,
} from "./batches.ts";
export { mostBoxes } from "./most_boxes.ts";
export { type AugmentOptions, USUAL_AUGMENTATION } from "./options.ts";
export type { InputSize } from "./tile.ts";
