/**
 * Quantization after training.
 *
 * @module
 */

export type { QuantizationParameters } from "./quantization_parameters.ts";
export type { CalibrationSample, CalibrationSamples, CalibrationStatistics } from "./calibrate.ts";
export { type PreparedQat, prepareQat, type PrepareQatOptions } from "./prepare_qat.ts";
export type { DetectionFidelity, Fidelity } from "./fidelity.ts";
export type { FloatOption } from "./float_rules.ts";
export { binaryChannel } from "./binary.ts";
export { packWeights, type PackWeightsOptions, type PackWeightsResult } from "./pack_weights.ts";
export type { LowBitChannel } from "./low_bit_channel.ts";
export type { BytesChange, PackedLayerReport, PackWeightsReport } from "./pack_weights_report.ts";
export type { FloatStorage } from "./mixed/assign.ts";
export type { StepMilliseconds } from "./mixed/layers.ts";
export type { MixedMeter, MixedVariant, VariantTimes } from "./mixed/meter.ts";
export type { MixedBudget, MixedLayer, MixedPoint, MixedReport } from "./mixed/report.ts";
export {
  type MixedOptions,
  type MixedResult,
  searchMixedFromCalibration,
  searchMixedPrecision,
} from "./mixed/search.ts";
export type { ObserverName } from "./observers/mod.ts";
export {
  calibrate,
  type CalibrateOptions,
  Calibration,
  quantize,
  quantizeFromCalibration,
  type QuantizeOptions,
  type SchemeOptions,
} from "./quantize.ts";
export type { LayerReport, QuantizeReport, StoredReport, WeightsReport } from "./report.ts";
export { type ActivationScaleOptions, type ActivationScales, activationScales, quantizeScaled } from "./scaled.ts";
export {
  type LayerSensitivity,
  measureSensitivityFromCalibration,
  sensitivity,
  type SensitivityOptions,
} from "./sensitivity.ts";
export { optimalThreshold, ternaryChannel, twnThreshold } from "./ternary.ts";
