/**
 * Training on the device: detectors trained from random weights or from a file, with float weights or with rounded ones; checkpoints;
 * and the parts beneath: gradients as graphs, batches, one step at a time.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "./data.ts";
 * import { yolo11 } from "./mod.ts";
 * import { train } from "./train.ts";
 *
 * const dataset = await openDataset("synthetic", { split: "train", limit: 2, size: 64 });
 * const model = yolo11({ width: 0.125, size: 64, classes: dataset.classes });
 * const { run } = await train(model, dataset, { epochs: 1, batch: 2 });
 *
 * assert.ok(run.epochs[0].losses.box > 0);
 * ```
 *
 * @module
 */

export { adaptStatistics } from "./src/recipes/adapt_statistics.ts";
export { readCheckpointModel, train } from "./src/recipes/train_detector.ts";
export type { ChosenTraining } from "./src/recipes/training_memory.ts";
export type { TrainOptions, TrainResult } from "./src/recipes/train_options.ts";
export { type Checkpoint, readCheckpoint, writeCheckpoint } from "./src/train/loop/checkpoint.ts";
export { createMemoryStore, type LargeStore, type MemoryStore, type TrainingStore } from "./src/train/loop/store.ts";
export type { KeptOptions, KeptSize } from "./src/recipes/distill/kept_views.ts";
export { type Prepared, withClasses, type WithClassesOptions } from "./src/models/with_classes.ts";
export { loadWeights, type LoadWeightsOptions } from "./src/models/weights.ts";
export { buildFromRecipe, rebuild, type RecipeChanges } from "./src/models/recipe.ts";
export { type Recipe, recipeOf } from "./src/models/metadata.ts";
export { classifier, CLASSIFIER_NAMES, type ClassifierOptions } from "./src/models/classifier.ts";
export { createTrainer, type DetectionTrainer, type TrainerOptions } from "./src/recipes/detection_trainer.ts";
export {
  type FederatedResult,
  trainFederated,
  type TrainFederatedOptions,
} from "./src/recipes/federated/train_federated.ts";
export { dealDataset } from "./src/recipes/federated/deal.ts";
export { type PrivacySettings, type PrivacySpent, privacySpent } from "./src/train/federated/privacy.ts";
export type { RoundRecord } from "./src/recipes/federated/server.ts";
export type { DealName, DealOptions } from "./src/train/federated/split.ts";
export type { ServerOptimizerName, ServerSettings } from "./src/train/federated/server.ts";
export type { UpdateCompression } from "./src/train/federated/compression.ts";
export { type DecayUnit, type Optimizer, Schedule, type ScheduleOptions } from "./src/train/loop/schedule.ts";
export {
  type AugmentOptions,
  countBoxRows,
  type DatasetBatch,
  DEFAULT_AUGMENTATION,
  type InputSize,
  openTrainingBatches,
  type RunPosition,
  TrainingBatches,
  type TrainingBatchesOptions,
  type View,
} from "./src/data/augment/mod.ts";
export {
  pruneAndTrain,
  type PruneFinetuneOptions,
  type PruneFinetuneResult,
  type PruneRound,
  type ToldCut,
} from "./src/recipes/prune/prune_finetune.ts";
export type { RoundFigures, RoundOptions, RoundsResult } from "./src/recipes/prune/rounds.ts";
export type { PruneSchedule } from "./src/recipes/prune/schedule.ts";
export {
  type StepPlace,
  type TrainingProblem,
  TrainingSession,
  type TrainingSessionOptions,
  type TrainingStep,
} from "./src/engine/training_session.ts";
export {
  buildTrainingGraph,
  type Parameter,
  type ParameterGroup,
  type RunningStatistic,
  type TrainingGraph,
  type TrainingOptions,
  withWeights,
} from "./src/train/autodiff/training_graph.ts";
export {
  buildGradientGraph,
  type GradientGraph,
  type GradientOptions,
  type GradientSeeds,
  type WeightedLoss,
} from "./src/train/autodiff/gradient_graph.ts";
export {
  combineVariants,
  type FedGraph,
  type GraphLosses,
  PLAIN,
  type TrainableGraph,
  trainableGraph,
  type TrainingVariant,
} from "./src/train/variant.ts";
export { analog, type AnalogTrainingOptions } from "./src/train/variants/analog.ts";
export type { AnalogBits, AnalogNoise, AnalogOptions, AnalogRange, AnalogRanges } from "./src/compress/analog/mod.ts";
export { batchNormL1, type BatchNormL1Options } from "./src/train/variants/batch_norm_l1.ts";
export { distilled, type DistilledOptions, type DistilTerm } from "./src/train/variants/distilled.ts";
export { elastic, IN_PLACE_LOSSES, inPlaceValues, maskInputs } from "./src/train/variants/elastic.ts";
export {
  ElasticTrainer,
  elasticTrainer,
  type MakeSized,
  type SandwichOptions,
  type SizedTrainer,
} from "./src/recipes/elastic/trainer.ts";
export type { Cuts, ElasticBundle, ElasticNet, ElasticOptions, ElasticRow } from "./src/compress/elastic/mod.ts";
export type { Dimension, DimensionKind, Point, Space } from "./src/compress/search/space.ts";
export { masked, type MaskedSettings } from "./src/train/variants/masked.ts";
export {
  DISTIL_LOSS_NAMES,
  type DistilLossName,
  type DistilPlaces,
  distilPlaces,
  type FeatureNames,
} from "./src/compress/distill/mod.ts";
export type * from "./src/compress/prune/mod.ts";
export type { Pass, PassResult } from "./src/compress/pass.ts";
export type * from "./src/compress/statistics.ts";
export type { Runner, RunnerTensor } from "./src/compress/runner.ts";
export type { Observed, ValueStatistics } from "./src/compress/value_statistics.ts";
export type { Histogram } from "./src/compress/histogram.ts";
export type {
  BundleMember,
  CarriedChannels,
  ChannelBundle,
  ChannelMember,
  ChannelRole,
  CouplingGroup,
  KeptReason,
} from "./src/graph/channels/mod.ts";
export type { DispatchMilliseconds, LayerMeter, LayerShape, Memo } from "./src/compress/meter.ts";
export type { PruneOnOptions } from "./src/recipes/prune/one_shot.ts";
export type { LatencyOptions } from "./src/recipes/prune/latency.ts";
export type { MeasureOptions } from "./src/recipes/prune/measure.ts";
export type { ProxyName, WidthMeterOptions } from "./src/recipes/prune/width_meter.ts";
export { groupLasso, type GroupLassoOptions } from "./src/train/variants/group_lasso.ts";
export { type MergedGraph, mergeGraphs, type MergeOptions } from "./src/passes/merge_graphs.ts";
export type { Branch } from "./src/passes/residual_branches.ts";
export type { Evaluation } from "./src/eval/evaluate.ts";
export type {
  ClassResult,
  CocoCurves,
  CocoDetection,
  CocoFigures,
  CocoResult,
  ConfidencePoint,
  FigureName,
} from "./src/eval/coco.ts";
export type { EvaluationSpeed, StageTimes } from "./src/eval/speed.ts";
export type { DetectorOptions, DetectorSettings, Tiles, TileSettings } from "./src/detect/detector.ts";
export type { BoxesOption, HeadFormName, HeadOptions } from "./src/detect/heads/form.ts";
export type { InputOptions } from "./src/detect/picture_input.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export type { OptimizerMethod } from "./src/kernels/train/optimizer.ts";
export type { AttentionKind, CbamOptions, SimamOptions } from "./src/models/attention.ts";
export type { AttentionPlace, PlacedAttention } from "./src/models/attention_places.ts";
export type { BackboneOptions } from "./src/models/backbones/backbone.ts";
export type { EfficientNetLiteScale } from "./src/models/backbones/efficientnet_lite.ts";
export type { BackboneName, LightBackboneName } from "./src/models/backbones/features.ts";
export type { MobileNetV3Scale } from "./src/models/backbones/mobilenetv3.ts";
export type { ShuffleNetV2Scale } from "./src/models/backbones/shufflenetv2.ts";
export type { DetectorModelOptions } from "./src/models/detector_options.ts";
export type { Yolo11Scale } from "./src/models/yolo11.ts";
export type { LowBitName } from "./src/compress/quantize/mod.ts";
export type { QuantizedForm, QuantizedTrainingOptions } from "./src/recipes/quantized_training.ts";
export type { LoopOptions, StepEvent, Weights } from "./src/train/loop/loop.ts";
export type {
  BestEpoch,
  EpochRecord,
  EpochTally,
  Losses,
  Position,
  RunRecord,
  Score,
} from "./src/train/loop/record.ts";
export type { SettledStep } from "./src/train/loop/steps.ts";
export type { StepReport, Trainer, TrainerState, TrainingBatch, UpdateSettings } from "./src/train/loop/trainer.ts";
export type { AssigningMaps, DetectionLossOptions } from "./src/train/losses/detection_loss.ts";
export type { HeadLossOptions } from "./src/train/losses/head_losses.ts";
export type { LossWeight, NamedLoss } from "./src/train/losses/named_loss.ts";
export type { DetectorProblemOptions } from "./src/recipes/detector_problem.ts";
export type * from "./src/engine/public_types.ts";
export type * from "./src/graph/public_types.ts";
export type * from "./src/plan/public_types.ts";
