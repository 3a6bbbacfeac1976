/**
 * What a graph would take on a device that is not here: milliseconds with their band, layer by layer, and energy where it is known.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph, Shape } from "../graph/graph.ts";
import { arithmeticEnergy, dramEnergy } from "./energy.ts";
import { bandFactor, fitOf, type UnseenErrors, unseenErrors } from "./fitted.ts";
import { layerTable, layerTimer, precisionOn } from "./latency_model.ts";
import type { LayerKind } from "./layers.ts";
import { type DevicePrecision, findDevice, PRECISION_BYTES, type Scope } from "./profile.ts";
import { timedLayers } from "./yardsticks.ts";

/** The time of a layer. */
export interface PredictedLayer {
  /** Name of its first node. */
  readonly name: string;
  /** What devices treat it as. */
  readonly kind: LayerKind;
  /** Shape of what it stores. */
  readonly outputShape: Shape;
  /** Multiply-accumulates. */
  readonly macs: number;
  /** Bytes of activations and weights that are read and written. */
  readonly bytes: number;
  /** Its time, overhead included. */
  readonly milliseconds: number;
  /** What it waits for most. */
  readonly bound: "overhead" | "compute" | "memory";
}

/** What a device would take for a graph. */
export interface LatencyPrediction {
  /** Name of the device. */
  readonly device: string;
  /** What people call it, with its tool. */
  readonly title: string;
  /** As asked for. */
  readonly precision: DevicePrecision;
  /** What the device computes it in. */
  readonly runsAs: DevicePrecision;
  /** What the milliseconds hold: a time of the network alone is never comparable with one of a whole frame. */
  readonly scope: Scope;
  /** Time of all layers. */
  readonly milliseconds: number;
  /** Nine of ten networks that the model had not seen lay within such a band. */
  readonly error_band: readonly [low: number, high: number];
  /** How far the model was off on this device, network by network left out; absent where no row of the device is of its precision. */
  readonly unseen?: UnseenErrors;
  /** Millijoules of a frame by the device's published power; absent where nobody measured it. */
  readonly energy_mJ?: number;
  /** Millijoules of arithmetic and DRAM alone, from published picojoules at 45 nm: a floor, not a forecast. */
  readonly least_mJ: { readonly arithmetic: number; readonly dram: number };
  /** In the graph's order. */
  readonly layers: readonly PredictedLayer[];
}

/** What to predict. */
export interface PredictLatencyOptions {
  /** Name of the device (see `deviceNames`). */
  readonly device: string;
  /** By default f16, or the first that the device has published rows in. */
  readonly precision?: DevicePrecision;
}

/** The precision asked for, or f16, or the device's first. Throws FeatherdetError where the device has no peak in it. */
export function checkedPrecision(name: string, precision: DevicePrecision | undefined): DevicePrecision {
  const { device } = findDevice(name), measured = new Set(device.rows.map((row) => row.precision));
  const chosen = precision ?? (measured.has("fp16") ? "fp16" : [...measured][0]);
  if (measured.has(precisionOn(device, chosen))) return chosen;
  throw new FeatherdetError(
    `no time of a network in ${chosen} on "${name}" is published, so that none can be predicted: ` +
      `there are some in ${[...measured].join(", ")}`,
  );
}

/**
 * Predicts the latency of a graph, at its own input size, on a device. The model is fitted to published rows of other networks at 640 x
 * 640 pixels; see `fit.ts`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { predictLatency } from "./predict.ts";
 * const graph = yolo11({ size: 320 });
 * const { milliseconds, error_band: [low, high] } = predictLatency(graph, { device: "jetson-nano" });
 * assert.ok(low < milliseconds && milliseconds < high);
 * // Maxwell has no integer products of bytes.
 * assert.equal(predictLatency(graph, { device: "jetson-nano", precision: "int8" }).milliseconds, milliseconds);
 * ```
 *
 * Throws FeatherdetError for devices that are not known, and for precisions in which nothing was published of the device.
 */
export function predictLatency(graph: Graph, { device: name, precision }: PredictLatencyOptions): LatencyPrediction {
  const { family, device } = findDevice(name), asked = checkedPrecision(name, precision);
  const fit = fitOf(family), runsAs = precisionOn(device, asked), bytesOf = PRECISION_BYTES[runsAs];
  const table = layerTable(timedLayers(graph, family.tail));
  const time = layerTimer(device, asked, fit.parameters[name]);
  const one = { overhead: 0, compute: 0, memory: 0 };
  const layers = table.layers.map(({ name, kind, outputShape, macs }, i): PredictedLayer => {
    time(table, i, one);
    const { overhead, compute, memory } = one, work = Math.max(compute, memory);
    return {
      name,
      kind,
      outputShape,
      macs,
      bytes: table.elements[i] * bytesOf,
      milliseconds: overhead + work,
      bound: overhead > work ? "overhead" : compute > memory ? "compute" : "memory",
    };
  });
  const sum = (of: (layer: PredictedLayer) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  const milliseconds = sum((layer) => layer.milliseconds), factor = bandFactor(fit, name);
  const rows = fit.unseen.filter((row) => row.device === name && row.precision === runsAs);
  return {
    device: name,
    title: `${device.title} (${family.title})`,
    precision: asked,
    runsAs,
    scope: family.scope,
    milliseconds,
    error_band: [milliseconds / factor, milliseconds * factor],
    ...(rows.length > 0 && { unseen: unseenErrors(rows) }),
    ...(device.power && { energy_mJ: device.power.watts * milliseconds }),
    least_mJ: {
      arithmetic: arithmeticEnergy(sum(({ macs }) => macs), runsAs) * 1e-9,
      dram: dramEnergy(sum(({ bytes }) => bytes)) * 1e-9,
    },
    layers,
  };
}
