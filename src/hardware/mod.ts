/**
 * Devices that are not here, and adapters that were measured: what a model costs on them, and what device a model wants.
 *
 * @module
 */

export { adapterLayerMeter, adapterTimeMeter } from "./adapter/meters.ts";
export { measureNetworks, type NetworkToMeasure } from "./adapter/measure.ts";
export { type AdapterModel, adapterModelFault, fitAdapter, type TimeSource, unseenNetworks } from "./adapter/model.ts";
export { summarizeUnseen, type UnseenNetwork, type UnseenSummary } from "./adapter/unseen.ts";
export { type Costs, type FittedCosts, type FrameCosts } from "./adapter/fit.ts";
export {
  type FramePrediction,
  type PredictedDispatch,
  predictFrame,
  type PredictFrameOptions,
} from "./adapter/predict.ts";
export {
  type AdapterMeasurements,
  type AdapterPlanning,
  type MeasuredDispatch,
  type MeasuredNetwork,
  mergeMeasurements,
} from "./adapter/record.ts";
export {
  type Accelerator,
  areaOf,
  type Dataflow,
  DATAFLOWS,
  DEFAULT_ACCELERATOR,
  type SramSizes,
} from "./systolic/accelerator.ts";
export {
  type Design,
  type Designs,
  searchAccelerators,
  type SearchOptions,
  type SearchVariant,
} from "./systolic/search.ts";
export { type EnergyShares, simulate, type SimulatedLayer, type Simulation } from "./systolic/simulate.ts";
export {
  findPhotonic,
  PHOTONIC_FIGURES,
  type PhotonicArray,
  type PhotonicFigure,
  photonicNames,
  photonicNoise,
} from "./photonic/array.ts";
export {
  type PhotonicLayer,
  type PhotonicShares,
  type PhotonicSimulation,
  type PhotonicSurroundings,
  simulatePhotonic,
} from "./photonic/simulate.ts";
export { type UnseenErrors, type UnseenRow } from "./fitted.ts";
export { deviceLayerMeter } from "./layer_meter.ts";
export { deviceTimeMeter, type MixedLayerTime, mixedLayerTimes } from "./time_meter.ts";
export { type FusedLayer, fusedLayers, type LayerKind, type MatrixShape, withoutTail } from "./layers.ts";
export { type LatencyPrediction, type PredictedLayer, predictLatency, type PredictLatencyOptions } from "./predict.ts";
export { deviceNames, type DevicePrecision, type Scope } from "./profile.ts";
