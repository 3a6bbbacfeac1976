/**
 * Training: gradients as graphs.
 *
 * @module
 */

export { type GradientGraph, gradientGraph, type GradientOptions } from "./autodiff/gradient_graph.ts";
export { isDifferentiable } from "./autodiff/table.ts";
export { recomputeActivations } from "./autodiff/recompute.ts";
export {
  type Parameter,
  type ParameterGroup,
  type RunningStatistic,
  type TrainingGraph,
  trainingGraph,
  type TrainingOptions,
  withWeights,
} from "./autodiff/training_graph.ts";
export {
  type DetectionLossOptions,
  type HeadMaps,
  headMaps,
  type LossGraph,
  withDetectionLoss,
} from "./losses/detection_loss.ts";
