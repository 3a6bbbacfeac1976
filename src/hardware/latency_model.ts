/**
 * The time of a layer on a device: overhead + max(work / (peak x utilisation), bytes / bandwidth).
 *
 * Utilisation depends on the kind of the layer and rises with its size: it is halved at a certain length of the sums, at a certain
 * number of filters and at a certain number of pixels, as tiles that are not full waste units. What layers of a kind have in common is
 * shared by the devices of a family. A device has a speed, a bandwidth, an overhead and a favour for odd layers of its own.
 *
 * @module
 */

import { type FusedLayer, LAYER_KINDS, type LayerKind, PRODUCT_KINDS } from "./layers.ts";
import { type DeviceFamily, type DevicePrecision, type DeviceProfile, PRECISION_BYTES } from "./profile.ts";

/** Shared parameters; each is positive. */
export const SHARED_PARAMETERS = [
  /** Share of the peak that a dense convolution of great size reaches, by precision. */
  ...["efficiency.fp32", "efficiency.fp16", "efficiency.int8"],
  /** Speed of a kind beside that of convolutions with a window. */
  ...["pointwise", "product"],
  /** Share of the peak that depthwise convolutions reach; of the vector units' where a device states that. */
  "depthwise",
  /** Length of sums, filters and pixels at which utilisation is halved. */
  ...["halfWindow", "halfFilters", "halfPixels"],
  /** Share of the bandwidth that is reached. */
  "bandwidth",
  /** Microseconds a layer. */
  "overhead",
  /** Share of overhead and bytes that a layer that only moves numbers costs: tools place many of them without a copy. */
  "move",
  /** Passes over memory of a Softmax. */
  "softmax",
] as const;

/**
 * Parameters of a device: factors on the family's. `odd` is the speed of depthwise layers, products of activations and Softmax, `half`
 * is on the sizes at which utilisation is halved.
 */
export const DEVICE_PARAMETERS = [
  ...["device.speed", "device.bandwidth", "device.overhead", "device.odd", "device.half"],
] as const;

/** Name of a parameter. */
export type LatencyParameter = typeof SHARED_PARAMETERS[number] | typeof DEVICE_PARAMETERS[number];

/** What a parameter is thought to be before any row is seen: a value, and the standard deviation of its logarithm. */
export type Priors = Readonly<Record<LatencyParameter, readonly [value: number, spread: number]>>;

/** Priors of the fit, wide on purpose: a factor of about two either way. Families state others where they know better. */
export const LATENCY_PRIORS: Priors = {
  "efficiency.fp32": [0.5, 0.5],
  "efficiency.fp16": [0.5, 0.5],
  "efficiency.int8": [0.4, 0.6],
  pointwise: [0.8, 0.4],
  depthwise: [0.02, 1.5],
  product: [0.3, 0.7],
  halfWindow: [32, 0.7],
  halfFilters: [16, 0.7],
  halfPixels: [100, 1],
  bandwidth: [0.6, 0.4],
  overhead: [10, 0.7],
  move: [0.3, 0.8],
  softmax: [2, 0.7],
  "device.speed": [1, 0.25],
  "device.bandwidth": [1, 0.25],
  "device.overhead": [1, 0.4],
  "device.odd": [1, 0.4],
  "device.half": [1, 0.3],
};

/** Priors of a family. */
export function priorsOf(family: DeviceFamily): Priors {
  return { ...LATENCY_PRIORS, ...family.priors } as Priors;
}

/** Parameters of one device: the family's times its own. */
export type LatencyParameters = Readonly<Record<LatencyParameter, number>>;

/** Layers as plain columns of numbers, so that a fit can ask for their time a million times. */
export interface LayerTable {
  readonly layers: readonly FusedLayer[];
  readonly kinds: Uint8Array;
  readonly flops: Float64Array;
  readonly window: Float64Array;
  readonly filters: Float64Array;
  readonly pixels: Float64Array;
  readonly elements: Float64Array;
}

/** The columns of some layers. */
export function layerTable(layers: readonly FusedLayer[]): LayerTable {
  const column = (of: (layer: FusedLayer) => number) => Float64Array.from(layers, of);
  return {
    layers,
    kinds: Uint8Array.from(layers, ({ kind }) => LAYER_KINDS.indexOf(kind)),
    flops: column(({ macs }) => 2 * macs),
    window: column(({ matrix }) => matrix?.window ?? 1),
    filters: column(({ matrix }) => matrix?.filters ?? 1),
    pixels: column(({ matrix }) => matrix ? matrix.pixels * matrix.times : 1),
    elements: column(({ inputs, weights, outputs }) => inputs + weights + outputs),
  };
}

/** Where the time of a layer goes, in milliseconds. */
export interface LayerTime {
  readonly overhead: number;
  /** Of its work. */
  readonly compute: number;
  /** Of its bytes; of both the greater counts. */
  readonly memory: number;
}

const KIND_NUMBER = Object.fromEntries(LAYER_KINDS.map((kind, i) => [kind, i])) as Record<LayerKind, number>;
const IS_PRODUCT = LAYER_KINDS.map((kind) => PRODUCT_KINDS.has(kind));

/** What a device computes a precision in. */
export function precisionOn(device: DeviceProfile, precision: DevicePrecision): DevicePrecision {
  return device.runsAs?.[precision] ?? precision;
}

/** A function that tells the time of each layer of a table on a device, which must have a peak in the precision. */
export function layerTimer(
  device: DeviceProfile,
  precision: DevicePrecision,
  parameters: LatencyParameters,
): (table: LayerTable, index: number, into: { overhead: number; compute: number; memory: number }) => void {
  const used = precisionOn(device, precision), p = parameters;
  // GFLOP/s are 1e6 FLOP a millisecond, GB/s 1e6 bytes.
  const peak = device.peaks[used]! * 1e6 * p[`efficiency.${used}`] * p["device.speed"];
  const bandwidth = device.bandwidth * 1e6 * p.bandwidth * p["device.bandwidth"];
  const bytes = PRECISION_BYTES[used], overhead = p.overhead * p["device.overhead"] * 1e-3;
  const speeds = new Float64Array(LAYER_KINDS.length).fill(1), passes = new Float64Array(LAYER_KINDS.length).fill(1);
  speeds[KIND_NUMBER.pointwise] = p.pointwise;
  // Their sums are short and their filters single, so that matrix units have nothing to multiply.
  const vector = (device.vector ?? device.peaks[used]!) * 1e6 * p["device.speed"];
  speeds[KIND_NUMBER.depthwise] = p.depthwise * p["device.odd"] * vector / peak;
  speeds[KIND_NUMBER.product] = p.product * p["device.odd"];
  passes[KIND_NUMBER.move] = p.move;
  passes[KIND_NUMBER.softmax] = p.softmax / p["device.odd"];
  const half = p["device.half"], halfWindow = p.halfWindow * half, halfFilters = p.halfFilters * half;
  const halfPixels = p.halfPixels * half, moving = KIND_NUMBER.move, depthwise = KIND_NUMBER.depthwise;
  return ({ kinds, flops, window, filters, pixels, elements }, i, into) => {
    const kind = kinds[i];
    // Utilisation is size / (size + half) for each of the three sizes.
    const tiles = kind === depthwise ? 1 : (1 + halfWindow / window[i]) * (1 + halfFilters / filters[i]);
    const wasted = tiles * (1 + halfPixels / pixels[i]);
    into.overhead = kind === moving ? overhead * p.move : overhead;
    into.compute = IS_PRODUCT[kind] ? flops[i] * wasted / (peak * speeds[kind]) : 0;
    into.memory = elements[i] * bytes * passes[kind] / bandwidth;
  };
}

/** Milliseconds of all layers of a table. */
export function networkTime(
  table: LayerTable,
  device: DeviceProfile,
  precision: DevicePrecision,
  parameters: LatencyParameters,
): number {
  const time = layerTimer(device, precision, parameters), one = { overhead: 0, compute: 0, memory: 0 };
  let sum = 0;
  for (let i = 0; i < table.kinds.length; i++) {
    time(table, i, one);
    sum += one.overhead + Math.max(one.compute, one.memory);
  }
  return sum;
}
