/**
 * Compression: graphs become smaller or faster graphs. Quantization to int8 after training, mixed precision by measurement, weights of
 * one and two bits, pruning. Each is a pass: a pipeline (`runPasses`) collects what passes want to know of a model's values, and writes what
 * they did into its history (`historyOf`). `pruneOn` prunes a detector by pictures of a data set and does all that belongs to it. And
 * channels: which can be removed, which of them only together (`couplingGroups`), a graph without them (`removeChannels`).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { quantize, createSessionRunner } from "./compress.ts";
 * import { demoDetector } from "./mod.ts";
 *
 * const data = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => i % 97 / 97);
 * const samples = [{ name: "a picture", inputs: { images: { shape: [1, 3, 64, 64], data } } }];
 * const runner = createSessionRunner();
 * const { graph, report } = await quantize(demoDetector({ size: 64 }), samples, { runner });
 * runner.destroy();
 *
 * assert.ok(graph.nodes.some(({ op }) => op === "QuantizeLinear"));
 * assert.ok(report.bytes.ratio < 0.5); // of the bytes of all weights
 * ```
 *
 * @module
 */

export {
  type ActivationScaleOptions,
  type ActivationScales,
  type BytesChange,
  calibrate,
  type CalibrateOptions,
  Calibration,
  type CalibrationSample,
  type CalibrationSamples,
  type CalibrationStatistics,
  convertQat,
  type ConvertQatOptions,
  type DetectionFidelity,
  type DispatchMilliseconds,
  type EqualiseOptions,
  equalisePass,
  type EqualiseReport,
  type Fidelity,
  findActivationScales,
  type FloatOption,
  type FloatStorage,
  type LayerReport,
  type LayerSensitivity,
  type LearnOptions,
  listMixedPasses,
  listQuantizePasses,
  type LowBitName,
  measureSensitivity,
  measureSensitivityFromCalibration,
  type MixedBudget,
  type MixedLayer,
  type MixedMeter,
  type MixedOptions,
  mixedPass,
  type MixedPassReport,
  type MixedPoint,
  type MixedReport,
  type MixedResult,
  type MixedSteps,
  type MixedVariant,
  type ObserverName,
  type PackedLayerReport,
  packWeights,
  type PackWeightsOptions,
  packWeightsPass,
  type PackWeightsReport,
  type PackWeightsResult,
  type PreparedQat,
  prepareQat,
  type PrepareQatOptions,
  type QuantizationParameters,
  quantize,
  quantizeFromCalibration,
  type QuantizeOptions,
  quantizePass,
  type QuantizeReport,
  quantizeReport,
  quantizeScaled,
  type QuantizeSteps,
  type ReconstructedBits,
  type ReconstructedLayerReport,
  type ReconstructOptions,
  reconstructPass,
  type ReconstructReport,
  type SchemeOptions,
  searchMixedFromCalibration,
  searchMixedPrecision,
  type SensitivityOptions,
  type StoredReport,
  type VariantTimes,
  type WeightsReport,
} from "./src/compress/quantize/mod.ts";
export {
  type AnalogBits,
  type AnalogCalibrateOptions,
  type AnalogCalibration,
  analogGraph,
  type AnalogNoise,
  type AnalogOptions,
  type AnalogRange,
  type AnalogRanges,
  analogRanges,
  type AnalogSeen,
  calibrateAnalog,
} from "./src/compress/analog/mod.ts";
export {
  type Pass,
  type PassesResult,
  type PassReports,
  type PassResult,
  type PassStep,
  passStep,
  runPasses,
  type RunPassesOptions,
} from "./src/compress/pass.ts";
export { foldPass, type PrepareReport, recognisePass } from "./src/compress/prepare.ts";
export { type NoopOptions, noopPass, type NoopReport, type SeenOutput } from "./src/compress/noop.ts";
export {
  Statistics,
  type StatisticsFound,
  type StatisticsKind,
  type StatisticsKinds,
  type StatisticsSource,
  type StatisticsWanted,
} from "./src/compress/statistics.ts";
export {
  type HistoryDataset,
  type HistoryEntry,
  historyEntry,
  historyOf,
  type HistoryOrigin,
  type HistoryParent,
  historyText,
  withHistory,
} from "./src/compress/history.ts";
export { hashOfGraph } from "./src/compress/graph_hash.ts";
export {
  type BundleMember,
  type CarriedChannels,
  type ChannelBundle,
  channelBundles,
  type ChannelMember,
  type ChannelRole,
  type CouplingGroup,
  type CouplingGroups,
  couplingGroups,
  type KeptReason,
  printGroups,
} from "./src/graph/channels/mod.ts";
export {
  applyMasks,
  type BudgetKind,
  type BundleSensitivity,
  chooseMasks,
  chooseWidths,
  type CostKind,
  type CostModel,
  CRITERIA_NAMES,
  type CriterionName,
  type Ladder,
  latencyModel,
  LatencyTable,
  type LayerCosts,
  layerShapes,
  MASK_PATTERNS,
  type MaskLayerOptions,
  type MaskLayerReport,
  type MaskOptions,
  type MaskPattern,
  type MaskReport,
  maskReport,
  type Masks,
  type NetworkTimes,
  type NormalisationName,
  prune,
  type PruneBudget,
  pruneBy,
  type PruneByOptions,
  type PruneCosts,
  type PrunedLayer,
  type PruneOptions,
  prunePass,
  type PrunePassOptions,
  type PrunePassReport,
  type PruneProblem,
  type PruneReport,
  type PruneResult,
  type PruneStatistics,
  type ReductionName,
  scanSensitivity,
  type ScoredPart,
  type ScoreOptions,
  type SelectOptions,
  type Sensitivities,
  settle,
  type ShortenOptions,
  shortenPass,
  type ShortenReport,
  WIDTH_METHOD_NAMES,
  WIDTH_METHODS,
  type WidthBudget,
  type WidthCosts,
  type WidthMeter,
  type WidthMethod,
  type WidthMethodName,
  WidthModel,
  type WidthProblem,
  type Widths,
} from "./src/compress/prune/mod.ts";
export {
  bundleKey,
  type Cuts,
  cutsOf,
  type ElasticBundle,
  type ElasticNet,
  elasticNet,
  type ElasticOptions,
  type ElasticRow,
  entropyOf,
  type EntropyPath,
  entropyPaths,
  type EntropyScore,
  maskShapes,
  masksOf,
  subnetGflops,
  subnetOf,
} from "./src/compress/elastic/mod.ts";
export {
  type AgentNetworks,
  type AgentOptions,
  type AgentTrainer,
  type AgentWeights,
  type Aim,
  anneal,
  type Annealed,
  type AnnealOptions,
  bestSoFar,
  bestTrial,
  type CreateAgentTrainer,
  createSpace,
  ddpg,
  type Dimension,
  type DimensionKind,
  evolution,
  type EvolutionOptions,
  frontOf,
  hypervolume,
  type LearningRates,
  type Losses,
  type MethodOptions,
  type NamedPoint,
  namedPoint,
  type Point,
  pointOf,
  type Proposal,
  Qubo,
  readQubo,
  readTable,
  type RewardName,
  runSearch,
  SEARCH_METHODS,
  type Searcher,
  type SearchMethod,
  searchMethod,
  type SearchMethodName,
  type SearchOptions,
  type SearchProblem,
  type SearchResult,
  sieved,
  type SieveOptions,
  type Space,
  tableText,
  type Trial,
  type WidthSearch,
  widthSearch,
  type WidthSearchOptions,
  writeCoo,
  writeQubo,
} from "./src/compress/search/mod.ts";
export { Random } from "./src/numbers/random.ts";
export { agentTrainers } from "./src/recipes/search/agent_trainer.ts";
export {
  createMemoryMemo,
  type LayerMeter,
  type LayerShape,
  type Memo,
  memoisedLayers,
  memoisedScores,
  type Meter,
  type MeterVariant,
  type ScoreMeter,
  type TimeMeter,
} from "./src/compress/meter.ts";
export { createMeter, type MeterOptions } from "./src/eval/meter.ts";
export { createLayerMeter, type LayerMeterOptions } from "./src/eval/layer_meter.ts";
export { dropConcatInputs } from "./src/passes/concat_inputs.ts";
export { countLayers, type Part, partsOf, removeParts } from "./src/passes/removable_parts.ts";
export { removeBranches } from "./src/passes/remove_branches.ts";
export { removeChannels } from "./src/passes/remove_channels.ts";
export { type Branch, branchesOf } from "./src/passes/residual_branches.ts";
export { zeroChannels } from "./src/passes/zero_channels.ts";
export { type CalibrationSamplesOptions, takeCalibrationSamples } from "./src/eval/calibration.ts";
export { createSessionFitter } from "./src/engine/session_fitter.ts";
export type { PictureForm } from "./src/detect/picture_input.ts";
export { createSessionRunner, type SessionRunner } from "./src/engine/session_runner.ts";
export { createGradientRunner, type GradientRunner } from "./src/recipes/gradient_runner.ts";
export { takeLabelledSamples } from "./src/recipes/labelled_samples.ts";
export { pruneOn, type PruneOnOptions } from "./src/recipes/prune/one_shot.ts";
export { shortenOn, type ShortenOnOptions, type ShortenOnResult } from "./src/recipes/prune/shorten.ts";
export { refitOn, type RefitOptions } from "./src/recipes/prune/refit.ts";
export type { LatencyOptions } from "./src/recipes/prune/latency.ts";
export type { MeasureOptions } from "./src/recipes/prune/measure.ts";
export type { ProxyName, WidthMeterOptions } from "./src/recipes/prune/width_meter.ts";
export { createMixedMeter, type MixedMeterOptions } from "./src/eval/mixed_meter.ts";
export type { Histogram } from "./src/compress/histogram.ts";
export type { Observed, ValueStatistics } from "./src/compress/value_statistics.ts";
export type { Fit, Fitter, Runner, RunnerTensor } from "./src/compress/runner.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export type * from "./src/engine/public_types.ts";
export type * from "./src/graph/public_types.ts";
export type * from "./src/plan/public_types.ts";
