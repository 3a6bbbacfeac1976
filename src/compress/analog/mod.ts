/**
 * Models on analog arrays: what converters of few bits and the noise of an array do to them.
 *
 * @module
 */

export { type AnalogCalibrateOptions, type AnalogCalibration, type AnalogSeen, calibrateAnalog } from "./calibrate.ts";
export { analogGraph, type AnalogNoise, type AnalogOptions, sumNoise } from "./insert.ts";
export { type AnalogLayer, analogLayers, weightScales } from "./layers.ts";
export { type AnalogBits, type AnalogRange, type AnalogRanges, analogRanges } from "./ranges.ts";
