/**
 * Quantization after training.
 *
 * @module
 */

export type { Calibration, CalibrationSample, CalibrationStatistics } from "./calibrate.ts";
export type { DetectionFidelity, Fidelity } from "./fidelity.ts";
export type { FloatOption } from "./float_rules.ts";
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
export { type LayerSensitivity, sensitivity, type SensitivityOptions } from "./sensitivity.ts";
