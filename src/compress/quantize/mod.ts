/**
 * Quantization after training.
 *
 * @module
 */

export type { Affine } from "./affine.ts";
export type { Calibration, CalibrationSample, CalibrationStatistics } from "./calibrate.ts";
export { type FakeQuantized, fakeQuantized, type FakeQuantizeOptions } from "./fake_quantize.ts";
export type { DetectionFidelity, Fidelity } from "./fidelity.ts";
export type { FloatOption } from "./float_rules.ts";
export { binaryChannel } from "./binary.ts";
export { type LowBitOptions, type LowBitResult, lowBitWeights } from "./low_bit.ts";
export type { LowBitChannel } from "./low_bit_channel.ts";
export type { BytesChange, LowBitLayerReport, LowBitReport } from "./low_bit_report.ts";
export type { FloatStorage } from "./mixed/assign.ts";
export type { StepMilliseconds } from "./mixed/layers.ts";
export type { MixedMeter, MixedVariant, VariantTimes } from "./mixed/meter.ts";
export type { MixedBudget, MixedLayer, MixedPoint, MixedReport } from "./mixed/report.ts";
export { mixedCalibrated, type MixedOptions, mixedPrecision, type MixedResult } from "./mixed/search.ts";
export type { ObserverName } from "./observers/mod.ts";
export {
  calibrate,
  Calibrated,
  type CalibrateOptions,
  quantize,
  quantizeCalibrated,
  type QuantizeOptions,
  type SchemeOptions,
} from "./quantize.ts";
export type { LayerReport, QuantizeReport, StoredReport, WeightsReport } from "./report.ts";
export { type ActivationScaleOptions, type ActivationScales, activationScales, quantizeScaled } from "./scaled.ts";
export { type LayerSensitivity, sensitivity, sensitivityCalibrated, type SensitivityOptions } from "./sensitivity.ts";
export { optimalThreshold, ternaryChannel, twnThreshold } from "./ternary.ts";
