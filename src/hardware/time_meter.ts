/**
 * A meter of networks that measures nothing: it predicts their times on a device that is not here, each layer in the precision that it is
 * in, so that the search for mixed precision can ask it as it asks the adapter.
 *
 * @module
 */

import type { MeterVariant, TimeMeter, VariantTimes } from "../compress/meter.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import { fitOf } from "./fitted.ts";
import { layerTable, layerTimer } from "./latency_model.ts";
import { checkedPrecision } from "./predict.ts";
import { type DevicePrecision, findDevice } from "./profile.ts";
import { timedLayers } from "./yardsticks.ts";

/** A layer of a network with its predicted time. */
export interface MixedLayerTime {
  /** Name of its first node. */
  readonly name: string;
  /** What it computes in. */
  readonly precision: DevicePrecision;
  /** Its time, overhead included. */
  readonly milliseconds: number;
}

/** Names of the nodes that read bytes: what they read comes from a DequantizeLinear, through nodes that only move it or directly. */
function readersOfBytes(graph: Graph): ReadonlySet<string> {
  const index = GraphIndex.of(graph);
  return new Set(graph.nodes.flatMap(({ name, inputs }) => {
    const values = inputs.filter((value) => !graph.constants.has(value));
    const fromBytes = (value: string) => index.producerOf(value)?.op === "DequantizeLinear";
    return values.length > 0 && values.every(fromBytes) ? [name] : [];
  }));
}

/**
 * Times of the layers of a network whose int8 part, if it has one, is in QDQ form; the rest computes in `storage`. Throws FeatherdetError
 * for devices that are not known, and for a precision in which nothing was published of the device.
 */
export function mixedLayerTimes(
  device: string,
  { graph, storage = "f32" }: MeterVariant,
): MixedLayerTime[] {
  const { family, device: profile } = findDevice(device), parameters = fitOf(family).parameters[device];
  const layers = timedLayers(graph, family.tail), table = layerTable(layers), bytes = readersOfBytes(graph);
  const float: DevicePrecision = storage === "f16" ? "fp16" : "fp32",
    timers = new Map<DevicePrecision, ReturnType<typeof layerTimer>>();
  const timerOf = (precision: DevicePrecision) => {
    let timer = timers.get(precision);
    if (!timer) timers.set(precision, timer = layerTimer(profile, checkedPrecision(device, precision), parameters));
    return timer;
  };
  const one = { overhead: 0, compute: 0, memory: 0 };
  return layers.map(({ name }, i): MixedLayerTime => {
    const precision = bytes.has(name) ? "int8" : float;
    timerOf(precision)(table, i, one);
    return { name, precision, milliseconds: one.overhead + Math.max(one.compute, one.memory) };
  });
}

/**
 * Makes a meter that predicts networks for a device.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { deviceTimeMeter } from "./time_meter.ts";
 * const graph = yolo11({ size: 320 });
 * const [f32, f16] = await deviceTimeMeter("jetson-orin-nano").times([{ graph, storage: "f32" }, { graph, storage: "f16" }]);
 * assert.ok(f16.device < f32.device);
 * ```
 *
 * Throws FeatherdetError for devices that are not known.
 */
export function deviceTimeMeter(device: string): TimeMeter {
  findDevice(device);
  return {
    times: (variants) =>
      Promise.resolve(variants.map((variant): VariantTimes => {
        const dispatches = mixedLayerTimes(device, variant).map(({ name, milliseconds }) => ({ name, milliseconds }));
        const milliseconds = dispatches.reduce((sum, one) => sum + one.milliseconds, 0);
        return { milliseconds, device: milliseconds, dispatches };
      })),
  };
}
