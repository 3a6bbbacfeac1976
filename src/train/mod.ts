/**
 * Training: gradients as graphs.
 *
 * @module
 */

export {
  buildGradientGraph,
  type GradientGraph,
  type GradientOptions,
  type GradientSeeds,
  type WeightedLoss,
} from "./autodiff/gradient_graph.ts";
export { isDifferentiable } from "./autodiff/table.ts";
export { recomputeActivations } from "./autodiff/recompute.ts";
export {
  buildTrainingGraph,
  isTableOfDistances,
  type Parameter,
  type ParameterGroup,
  type RunningStatistic,
  type TrainingGraph,
  type TrainingOptions,
  withWeights,
} from "./autodiff/training_graph.ts";
export {
  combineVariants,
  type FedGraph,
  type GraphLosses,
  joinSeeds,
  PLAIN,
  type TrainableGraph,
  trainableGraph,
  type TrainingVariant,
} from "./variant.ts";
export { analog, type AnalogTrainingOptions } from "./variants/analog.ts";
export { batchNormL1, type BatchNormL1Options } from "./variants/batch_norm_l1.ts";
export { distilled, type DistilledOptions, type DistilledSettings, type DistilTerm } from "./variants/distilled.ts";
export { elastic, IN_PLACE_LOSSES, inPlaceValues, maskInputs } from "./variants/elastic.ts";
export { masked, type MaskedSettings } from "./variants/masked.ts";
export { groupLasso, type GroupLassoOptions } from "./variants/group_lasso.ts";
export { checkLosses, type Losses, type LossWeight, type NamedLoss, weightAt } from "./losses/named_loss.ts";
export {
  ASSIGNED_ANCHORS,
  type DetectionLossOptions,
  type HeadMaps,
  headMaps,
  type LossGraph,
  withDetectionLoss,
} from "./losses/detection_loss.ts";
