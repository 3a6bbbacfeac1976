/**
 * Featherdet makes YOLO11 small and fast and shows what every step costs and gains; all heavy arithmetic runs in WGSL compute
 * shaders over WebGPU, in Deno and in browsers.
 *
 * ```ts
 * import { demoDetector, Detector, syntheticPicture } from "./mod.ts";
 *
 * const { image } = syntheticPicture({ seed: 7, width: 640, height: 480 });
 * const detector = await Detector.load(demoDetector()); // or a path, a URL or the bytes of an ONNX file
 * const found = await detector.detect(image); // or the bytes of a JPEG, PNG or WebP file
 * console.log(found[0]); // { box: [x1, y1, x2, y2], score, classId, label }
 * detector.destroy();
 * ```
 *
 * @module
 */

export { recogniseActivations } from "./src/passes/recognise_activations.ts";
export { analyze, type AnalyzeOptions } from "./src/graph/analyze.ts";
export type { BitWidths } from "./src/graph/analyze_bits.ts";
export type { WeightBits } from "./src/graph/packed_weights.ts";
export type { Analysis, Cost, LayerCost, SparseAnalysis, Sparsity } from "./src/graph/analyze_cost.ts";
export { type ErrorPlace, FeatherdetError } from "./src/graph/error.ts";
export type { Constant, ConstantData, ElementType, Graph, GraphInput, Shape, TensorType } from "./src/graph/graph.ts";
export { inferTypes } from "./src/graph/infer.ts";
export type {
  ActivationAttributes,
  ActivationOperator,
  BoxLoss,
  ConvAttributes,
  CoordinateMode,
  DetectionLossAttributes,
  NearestMode,
  NoAttributes,
  Node,
  Operator,
  OperatorAttributes,
  Pads,
  Pair,
  PoolAttributes,
  ReduceAttributes,
} from "./src/graph/operators.ts";
export { printGraph } from "./src/graph/print.ts";
export { verify } from "./src/graph/verify.ts";
export {
  classNames,
  importOnnx,
  type ImportOptions,
  type InputShapes,
  loadOnnx,
  saveOnnx,
  type ShapeOf,
  type StatedInput,
} from "./src/onnx/mod.ts";
export { changeShapes } from "./src/passes/mod.ts";
export type { BackboneOptions } from "./src/models/backbones/backbone.ts";
export { classifier, CLASSIFIER_NAMES, type ClassifierOptions } from "./src/models/classifier.ts";
export { demoDetector, type DemoDetectorOptions } from "./src/models/demo_detector.ts";
export { loadWeights, type LoadWeightsOptions } from "./src/models/weights.ts";
export { yolo11, type Yolo11Options, type Yolo11Scale } from "./src/models/yolo11.ts";
export { type HeadName, type NeckName, yolo11Lite, type Yolo11LiteOptions } from "./src/models/yolo11_lite.ts";
export type { DetectorModelOptions } from "./src/models/detector_options.ts";
export { buildFromRecipe, rebuild, type RecipeChanges } from "./src/models/recipe.ts";
export { type Recipe, recipeOf } from "./src/models/metadata.ts";
export type { AttentionPlace, PlacedAttention } from "./src/models/attention_places.ts";
export type { AttentionKind, CbamOptions, SimamOptions } from "./src/models/attention.ts";
export type { BackboneName, LightBackboneName } from "./src/models/backbones/features.ts";
export type { EfficientNetLiteScale } from "./src/models/backbones/efficientnet_lite.ts";
export type { MobileNetV3Scale } from "./src/models/backbones/mobilenetv3.ts";
export type { ShuffleNetV2Scale } from "./src/models/backbones/shufflenetv2.ts";
export {
  type SyntheticObject,
  type SyntheticOptions,
  type SyntheticPicture,
  syntheticPicture,
} from "./src/data/synthetic.ts";
export { decodeImage } from "./src/image/codec/decode.ts";
export { encodeJpeg, encodePng } from "./src/image/codec/encode.ts";
export { type AdapterRecord, type Device, openDevice, sharedDevice } from "./src/gpu/device.ts";
export {
  buildPlan,
  type MemoryReport,
  type Placement,
  type Plan,
  type PlannedContest,
  type PlannedOption,
  type PlanOptions,
  type Step,
} from "./src/plan/plan.ts";
export type { BorderLayouts } from "./src/plan/convert.ts";
export type { Target } from "./src/kernels/target.ts";
export type {
  BlockedLayout,
  Int8Cells,
  Kernel,
  KernelBinding,
  Layout,
  PackedInt8Weights,
  PackedWeights,
  ParameterField,
  PlainLayout,
  StorageForm,
} from "./src/kernels/kernel.ts";
export type { ShaderConstant } from "./src/gpu/linker.ts";
export { printPlan } from "./src/plan/print.ts";
export { type Precision, Session, type SessionOptions, type StepTime, type Tensor } from "./src/engine/session.ts";
export { type SessionRunner, sessionRunner } from "./src/engine/session_runner.ts";
export type { Runner, RunnerTensor } from "./src/compress/runner.ts";
export {
  type ActivationScaleOptions,
  type ActivationScales,
  activationScales,
  type BytesChange,
  calibrate,
  type CalibrateOptions,
  Calibration,
  type CalibrationSample,
  type CalibrationSamples,
  type CalibrationStatistics,
  type DetectionFidelity,
  type Fidelity,
  type FloatOption,
  type FloatStorage,
  type LayerReport,
  type LayerSensitivity,
  measureSensitivityFromCalibration,
  type MixedBudget,
  type MixedLayer,
  type MixedMeter,
  type MixedOptions,
  type MixedPoint,
  type MixedReport,
  type MixedResult,
  type MixedVariant,
  type ObserverName,
  type PackedLayerReport,
  packWeights,
  type PackWeightsOptions,
  type PackWeightsReport,
  type PackWeightsResult,
  type PreparedQat,
  prepareQat,
  type PrepareQatOptions,
  type QuantizationParameters,
  quantize,
  quantizeFromCalibration,
  type QuantizeOptions,
  type QuantizeReport,
  quantizeScaled,
  type SchemeOptions,
  searchMixedFromCalibration,
  searchMixedPrecision,
  sensitivity,
  type SensitivityOptions,
  type StepMilliseconds,
  type StoredReport,
  type VariantTimes,
  type WeightsReport,
} from "./src/compress/quantize/mod.ts";
export type { Histogram } from "./src/compress/quantize/histogram.ts";
export type { Observed, ValueStatistics } from "./src/compress/quantize/statistics.ts";
export { type CalibrationSamplesOptions, takeCalibrationSamples } from "./src/eval/calibration.ts";
export { comparePrecisions, type PrecisionLatency } from "./src/eval/compare_precisions.ts";
export { type DispatchTime, type FrameTimes, measureFrameTimes } from "./src/eval/frame_times.ts";
export { mixedMeter, type MixedMeterOptions } from "./src/eval/mixed_meter.ts";
export { tune, type TuneOptions } from "./src/engine/tune.ts";
export type { TunedChoice, Tuning } from "./src/plan/tuning.ts";
export {
  type Detection,
  Detector,
  type DetectorOptions,
  type DetectorSettings,
  type FrameSpeed,
  type Picture,
} from "./src/detect/detector.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export { drawDetections, type DrawnDetection } from "./src/report/draw/draw.ts";
export type { DeviceStages, FrameStages } from "./src/detect/frame_timer.ts";
export {
  type ClassResult,
  type CocoCurves,
  type CocoDetection,
  type CocoFigures,
  type CocoResult,
  type ConfidencePoint,
  type ConfusionMatrix,
  confusionMatrix,
  type ConfusionOptions,
  evaluateDetections,
  type FigureName,
  type TruthSet,
} from "./src/eval/coco.ts";
export { COCO_SETTINGS, evaluate, type EvaluateOptions, type Evaluation } from "./src/eval/evaluate.ts";
export type { EvaluationJournal, EvaluationRun, ImageRecord } from "./src/eval/journal.ts";
export type { EvaluationSpeed, StageTimes } from "./src/eval/speed.ts";
export { type CostOptions, countCosts, type ModelCosts } from "./src/eval/costs.ts";
export type { Latency } from "./src/eval/latency.ts";
export type { FrameSplit } from "./src/eval/frame_split.ts";
export {
  type LatencyMemory,
  type LatencyOptions,
  type LatencyReport,
  measureLatency,
} from "./src/eval/measure_latency.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export {
  type AugmentOptions,
  type DatasetBatch,
  DEFAULT_AUGMENTATION,
  type InputSize,
  mostBoxes,
  type RunPosition,
  TrainingBatches,
  trainingBatches,
  type TrainingBatchesOptions,
} from "./src/data/augment/mod.ts";
export {
  adaptStatistics,
  modelOfCheckpoint,
  train,
  type TrainOptions,
  type TrainResult,
} from "./src/recipes/train_detector.ts";
export type { QuantizedForm, QuantizedTrainingOptions } from "./src/recipes/quantized_training.ts";
export { createTrainer, type DetectionTrainer, type TrainerOptions } from "./src/recipes/detection_trainer.ts";
export {
  type TrainingProblem,
  TrainingSession,
  type TrainingSessionOptions,
  type TrainingStep,
} from "./src/engine/training_session.ts";
export type { OptimizerMethod } from "./src/kernels/train/optimizer.ts";
export {
  type Parameter,
  type ParameterGroup,
  type RunningStatistic,
  type TrainingGraph,
  trainingGraph,
  type TrainingOptions,
  withWeights,
} from "./src/train/autodiff/training_graph.ts";
export { type GradientGraph, gradientGraph, type GradientOptions } from "./src/train/autodiff/gradient_graph.ts";
export type { DetectionLossOptions } from "./src/train/losses/detection_loss.ts";
export { type Checkpoint, readCheckpoint, writeCheckpoint } from "./src/train/loop/checkpoint.ts";
export { type LoopOptions, type StepEvent, type Weights } from "./src/train/loop/loop.ts";
export type { SettledStep } from "./src/train/loop/steps.ts";
export type {
  BestEpoch,
  EpochRecord,
  EpochTally,
  Losses,
  Position,
  RunRecord,
  Score,
} from "./src/train/loop/record.ts";
export { type Optimizer, Schedule, type ScheduleOptions } from "./src/train/loop/schedule.ts";
export { type MemoryStore, memoryStore, type TrainingStore } from "./src/train/loop/store.ts";
export type { StepReport, Trainer, TrainerState, TrainingBatch, UpdateSettings } from "./src/train/loop/trainer.ts";
export { type Prepared, withClasses, type WithClassesOptions } from "./src/models/with_classes.ts";
