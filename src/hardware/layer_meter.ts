/**
 * A meter of layers that measures nothing: it predicts them for a device that is not here, so that searches can ask it as they ask the
 * adapter.
 *
 * @module
 */

import type { LayerMeter, LayerShape } from "../compress/meter.ts";
import { fitOf } from "./fitted.ts";
import { layerTable, layerTimer } from "./latency_model.ts";
import type { FusedLayer, LayerKind, MatrixShape } from "./layers.ts";
import { checkedPrecision, predictLatency } from "./predict.ts";
import { type DevicePrecision, findDevice } from "./profile.ts";

/** What one extent of a convolution makes of a map's. */
function windows(extent: number, [kernel, stride, dilation, pads]: readonly [number, number, number, number]): number {
  return Math.floor((extent + pads - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** The layer that a device would run. */
function fusedLayer(layer: LayerShape, name: string): FusedLayer {
  const { kernel, strides, dilations, pads, map: [batch, height, width], behind, inputs, outputs } = layer;
  const groups = layer.groups === "each" ? outputs : layer.groups;
  const rows = windows(height, [kernel[0], strides[0], dilations[0], pads[0] + pads[2]]);
  const columns = windows(width, [kernel[1], strides[1], dilations[1], pads[1] + pads[3]]);
  const area = kernel[0] * kernel[1], read = layer.groups === "each" ? outputs : inputs;
  const kind: LayerKind = groups > 1 ? "depthwise" : area === 1 ? "pointwise" : "window";
  const pixels = batch * rows * columns, made = pixels * outputs;
  const matrix: MatrixShape = { pixels, window: area * read / groups, filters: outputs / groups, times: groups };
  const sums = behind.filter(({ op }) => op === "Add").length;
  return {
    ...{ name, op: "Conv", kind, nodes: [name], outputShape: [batch, outputs, rows, columns] },
    ...{ macs: made * matrix.window, matrix, inputs: batch * read * height * width + sums * made },
    ...{ weights: outputs * matrix.window + outputs, outputs: made },
  };
}

/**
 * Makes a meter that predicts layers for a device, in a precision that it was fitted in (as `predictLatency`). Its milliseconds of a
 * network's dispatches are those that `predictLatency` gives.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { deviceLayerMeter } from "./layer_meter.ts";
 * const meter = deviceLayerMeter("jetson-orin-nano");
 * const dispatches = await meter.dispatches(yolo11({ size: 320 }));
 * assert.ok(dispatches.every(({ milliseconds }) => milliseconds > 0));
 * ```
 *
 * Throws FeatherdetError for devices that are not known, and for precisions in which nothing was published of the device.
 */
export function deviceLayerMeter(name: string, precision?: DevicePrecision): LayerMeter {
  const { family, device } = findDevice(name), asked = checkedPrecision(name, precision);
  const parameters = fitOf(family).parameters[name], time = layerTimer(device, asked, parameters);
  const revision = JSON.stringify(parameters);
  return {
    // Another fit is another place: what is remembered of whole networks is remembered by the place alone.
    place: `predicted for ${name} in ${asked} | ${revision}`,
    revision: () => revision,
    milliseconds(layers) {
      const one = { overhead: 0, compute: 0, memory: 0 };
      const table = layerTable(layers.map((layer, i) => fusedLayer(layer, `layer ${i}`)));
      return Promise.resolve(layers.map((_, i) => {
        time(table, i, one);
        return one.overhead + Math.max(one.compute, one.memory);
      }));
    },
    dispatches(graph) {
      const { layers } = predictLatency(graph, { device: name, precision: asked });
      return Promise.resolve(layers.map(({ name, milliseconds }) => ({ name, milliseconds })));
    },
  };
}
