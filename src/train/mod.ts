/**
 * Training: gradients as graphs.
 *
 * @module
 */

export { type GradientGraph, gradientGraph, type GradientOptions } from "./gradients/gradient_graph.ts";
export { isDifferentiable } from "./gradients/table.ts";
export { recomputeActivations } from "./recompute.ts";
export {
  type Parameter,
  type ParameterGroup,
  type RunningStatistic,
  type TrainingGraph,
  trainingGraph,
  type TrainingOptions,
  withTrained,
} from "./training_graph.ts";
export {
  type DetectionLossOptions,
  type HeadMaps,
  headMaps,
  type LossGraph,
  withDetectionLoss,
} from "./loss/detection_loss.ts";
