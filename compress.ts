/**
 * Compression: graphs become smaller or faster graphs. Quantization to int8 after training, mixed precision by measurement, weights of
 * one and two bits.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { quantize, sessionRunner } from "./compress.ts";
 * import { demoDetector } from "./mod.ts";
 *
 * const data = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => i % 97 / 97);
 * const samples = [{ name: "a picture", inputs: { images: { shape: [1, 3, 64, 64], data } } }];
 * const runner = sessionRunner();
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
export { type CalibrationSamplesOptions, takeCalibrationSamples } from "./src/eval/calibration.ts";
export { type SessionRunner, sessionRunner } from "./src/engine/session_runner.ts";
export { mixedMeter, type MixedMeterOptions } from "./src/eval/mixed_meter.ts";
export type { Histogram } from "./src/compress/quantize/histogram.ts";
export type { Observed, ValueStatistics } from "./src/compress/quantize/statistics.ts";
export type { Runner, RunnerTensor } from "./src/compress/runner.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export type * from "./src/engine/public_types.ts";
export type * from "./src/graph/public_types.ts";
export type * from "./src/plan/public_types.ts";
