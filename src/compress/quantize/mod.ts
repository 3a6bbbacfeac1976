/**
 * Quantization after training.
 *
 * @module
 */

export type { QuantizationParameters } from "./quantization_parameters.ts";
export type { CalibrationSample, CalibrationSamples } from "../statistics.ts";
export { calibrate, type CalibrateOptions } from "./calibrate.ts";
export { Calibration, type CalibrationStatistics } from "./calibration.ts";
export { type EqualiseOptions, equalisePass, type EqualiseReport } from "./equalise_pass.ts";
export { convertQat, type ConvertQatOptions } from "./convert_qat.ts";
export { learnedScales, type PreparedQat, prepareQat, type PrepareQatOptions } from "./prepare_qat.ts";
export type { DetectionFidelity, Fidelity } from "./fidelity.ts";
export type { FloatOption } from "./float_rules.ts";
export { binaryChannel } from "./binary.ts";
export { fourBitChannel } from "./four_bit.ts";
export { packWeights, type PackWeightsOptions, packWeightsPass, type PackWeightsResult } from "./pack_weights.ts";
export { bitsOfPackedWeights, withUnpackedWeights } from "./unpack_weights.ts";
export type { LowBitChannel } from "./low_bit_channel.ts";
export { isLowBit, LOW_BIT_NAMES, LOW_BITS } from "./pack_weights_report.ts";
export type { BytesChange, LowBitName, PackedLayerReport, PackWeightsReport } from "./pack_weights_report.ts";
export type { FloatStorage } from "./mixed/assign.ts";
export type { DispatchMilliseconds } from "../meter.ts";
export type { MixedMeter, MixedVariant, VariantTimes } from "./mixed/meter.ts";
export type { MixedBudget, MixedLayer, MixedPoint, MixedReport } from "./mixed/report.ts";
export {
  listMixedPasses,
  mixedPass,
  type MixedPassReport,
  type MixedSteps,
  searchMixedFromCalibration,
  searchMixedPrecision,
} from "./mixed/pass.ts";
export type { MixedOptions, MixedResult } from "./mixed/search.ts";
export {
  type ReconstructedLayerReport,
  type ReconstructOptions,
  reconstructPass,
  type ReconstructReport,
} from "./reconstruct/reconstruct.ts";
export type { ReconstructedBits } from "./reconstruct/grid.ts";
export type { LearnOptions } from "./reconstruct/layer.ts";
export type { ObserverName } from "./observers/mod.ts";
export {
  listQuantizePasses,
  quantize,
  quantizeFromCalibration,
  type QuantizeOptions,
  quantizePass,
  quantizeReport,
  type QuantizeSteps,
} from "./quantize.ts";
export type { SchemeOptions } from "./scheme.ts";
export type { LayerReport, QuantizeReport, StoredReport, WeightsReport } from "./report.ts";
export { type ActivationScaleOptions, type ActivationScales, findActivationScales, quantizeScaled } from "./scaled.ts";
export {
  type LayerSensitivity,
  measureSensitivity,
  measureSensitivityFromCalibration,
  type SensitivityOptions,
} from "./sensitivity.ts";
export { optimalThreshold, ternaryChannel, twnThreshold } from "./ternary.ts";
