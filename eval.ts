/**
 * What a model is worth and what it costs: COCO's figures of accuracy, latency, memory, operations and bits.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { evaluateDetections } from "./eval.ts";
 *
 * const disc = { id: 1, classId: 0, box: [10, 10, 60, 40], area: 1500, crowd: false } as const;
 * const set = { classes: ["disc"], categoryIds: [1], images: [{ id: 1, boxes: [disc] }] };
 * const { map50 } = evaluateDetections(set, [{ image_id: 1, category_id: 1, bbox: [12, 10, 48, 30], score: 0.9 }]);
 * assert.ok(map50 > 0.9999);
 * ```
 *
 * @module
 */

export { COCO_SETTINGS, evaluate, type EvaluateOptions, type Evaluation } from "./src/eval/evaluate.ts";
export {
  type ClassResult,
  type CocoCurves,
  type CocoDetection,
  type CocoFigures,
  type CocoResult,
  type ConfidencePoint,
  type ConfusionMatrix,
  type ConfusionOptions,
  countConfusions,
  evaluateDetections,
  type FigureName,
  type TruthSet,
} from "./src/eval/coco.ts";
export { type ClassCount, type CountGrid, countLabels, type LabelStatistics } from "./src/eval/label_statistics.ts";
export { type CostOptions, countCosts, type ModelCosts } from "./src/eval/costs.ts";
export {
  type LatencyMemory,
  type LatencyOptions,
  type LatencyReport,
  measureLatency,
} from "./src/eval/measure_latency.ts";
export {
  detectorEntrant,
  type Entrant,
  type FrameTime,
  measureInRounds,
  type RoundLatency,
  type RoundOptions,
  type RoundTimes,
} from "./src/eval/measure_rounds.ts";
export { isDifferent, ratioInRounds, type TimeRatio } from "./src/eval/time_ratio.ts";
export { type DispatchTimes, type FrameTimes, measureFrameTimes } from "./src/eval/frame_times.ts";
export { comparePrecisions, type PrecisionLatency } from "./src/eval/compare_precisions.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export type {
  Detection,
  DetectOptions,
  Detector,
  DetectorOptions,
  DetectorSettings,
  FrameSpeed,
  Picture,
  StreamOptions,
  Tiles,
  TileSettings,
} from "./src/detect/detector.ts";
export type { BoxesOption, HeadFormName, HeadOptions } from "./src/detect/heads/form.ts";
export type { InputOptions } from "./src/detect/picture_input.ts";
export type { DeviceStages, FrameStages } from "./src/detect/frame_timer.ts";
export type { FrameSplit } from "./src/eval/frame_split.ts";
export type { EvaluationJournal, EvaluationRun, ImageRecord } from "./src/eval/journal.ts";
export type { Latency } from "./src/eval/latency.ts";
export type { EvaluationSpeed, StageTimes } from "./src/eval/speed.ts";
export type { AnalyzeOptions } from "./src/graph/analyze.ts";
export type { BitWidths } from "./src/graph/analyze_bits.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export type * from "./src/engine/public_types.ts";
export type * from "./src/graph/public_types.ts";
export type * from "./src/plan/public_types.ts";
export {
  type Accelerator,
  adapterLayerMeter,
  type AdapterMeasurements,
  type AdapterModel,
  adapterModelFault,
  type AdapterPlanning,
  adapterTimeMeter,
  areaOf,
  type Costs,
  type Dataflow,
  DATAFLOWS,
  DEFAULT_ACCELERATOR,
  type Design,
  type Designs,
  deviceLayerMeter,
  deviceNames,
  type DevicePrecision,
  deviceTimeMeter,
  type EnergyShares,
  findPhotonic,
  fitAdapter,
  type FittedCosts,
  type FrameCosts,
  type FramePrediction,
  type FusedLayer,
  fusedLayers,
  type LatencyPrediction,
  type LayerKind,
  type MatrixShape,
  type MeasuredDispatch,
  type MeasuredNetwork,
  measureNetworks,
  mergeMeasurements,
  type MixedLayerTime,
  mixedLayerTimes,
  type NetworkToMeasure,
  PHOTONIC_FIGURES,
  type PhotonicArray,
  type PhotonicFigure,
  type PhotonicLayer,
  photonicNames,
  photonicNoise,
  type PhotonicShares,
  type PhotonicSimulation,
  type PhotonicSurroundings,
  type PredictedDispatch,
  type PredictedLayer,
  predictFrame,
  type PredictFrameOptions,
  predictLatency,
  type PredictLatencyOptions,
  type Scope,
  searchAccelerators,
  type SearchOptions,
  type SearchVariant,
  simulate,
  type SimulatedLayer,
  simulatePhotonic,
  type Simulation,
  type SramSizes,
  summarizeUnseen,
  type TimeSource,
  type UnseenErrors,
  type UnseenNetwork,
  unseenNetworks,
  type UnseenRow,
  type UnseenSummary,
  withoutTail,
} from "./src/hardware/mod.ts";
export type { AnalogNoise } from "./src/compress/analog/mod.ts";
export type {
  DispatchMilliseconds,
  LayerMeter,
  LayerShape,
  MeterVariant,
  TimeMeter,
  VariantTimes,
} from "./src/compress/meter.ts";
