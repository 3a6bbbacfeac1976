/**
 * Predicted times of a variant on devices that are not here, with their bands.
 *
 * @module
 */

import type { Graph } from "../../graph/mod.ts";
import { bandFactor, fitOf } from "../../hardware/fitted.ts";
import { findDevice } from "../../hardware/profile.ts";
import { mixedLayerTimes } from "../../hardware/time_meter.ts";
import type { Figures, PredictedName } from "./results.ts";

/** The device of each figure. */
const DEVICES: Readonly<Record<PredictedName, string>> = {
  nanoMilliseconds: "jetson-nano",
  orinMilliseconds: "jetson-orin-nano",
};

/** What predicts them. */
const MODEL = "a latency model fitted to published times of other networks (docs/codesign.md)";

const digits = (value: number) => Number(value.toPrecision(6));

/**
 * Milliseconds of a network alone on each device: floats in f16, and in int8 what is int8 in the graph. Nine of ten networks that the model
 * had not seen lay within the band.
 */
export function predictedTimes(graph: Graph): Figures<PredictedName> {
  return Object.fromEntries(
    Object.entries(DEVICES).map(([name, device]) => {
      const layers = mixedLayerTimes(device, { graph, storage: "f16" });
      const value = layers.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      const factor = bandFactor(fitOf(findDevice(device).family), device);
      const band = [digits(value / factor), digits(value * factor)] as const;
      return [name, { value: digits(value), predictedBy: MODEL, band }];
    }),
  );
}
