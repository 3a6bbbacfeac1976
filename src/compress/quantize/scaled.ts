/**
 * int8 with scales of activations that are known already, as those are with which a model was trained.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import type { QuantizationParameters } from "./quantization_parameters.ts";
import { emitQdq } from "./emit.ts";
import type { FloatOption } from "./float_rules.ts";
import type { Placement } from "./placement.ts";
import type { Calibration } from "./calibration.ts";
import { integersOf } from "./integers.ts";
import { prepared } from "./prepared.ts";
import { chosenScales, completed, placementOf, type SchemeOptions } from "./scheme.ts";

/** Scale and zero point of every value that is stored in int8, by the value's name. */
export type ActivationScales = ReadonlyMap<string, QuantizationParameters>;

/** Options that decide on scales of activations. */
export type ActivationScaleOptions = Pick<SchemeOptions, "observer" | "percentile" | "activations" | "float">;

/** Finds the scales with which `quantizeFromCalibration` with these options would store values. */
export function findActivationScales(calibrated: Calibration, options: ActivationScaleOptions = {}): ActivationScales {
  const settings = completed(options);
  const placement = placementOf(calibrated.graph, settings);
  const chosen = chosenScales(calibrated, placement, settings);
  return new Map(placement.sets.flatMap((values, i) => values.map((value) => [value, chosen[i].affine] as const)));
}

/** The scale of a value. Throws FeatherdetError if there is none. */
export function scaleOf(scales: ActivationScales, value: string): QuantizationParameters {
  const affine = scales.get(value);
  if (affine) return affine;
  throw new FeatherdetError(
    `there is no scale for the value "${value}", which is stored in int8: the scales are of another model`,
  );
}

/** Where int8 begins and ends in a graph that is `prepared`, where what a Concat joins shares a scale. */
export function scaledPlacement(graph: Graph, float: FloatOption | undefined): Placement {
  return placementOf(graph, completed({ float }));
}

/**
 * Quantizes a float graph with given scales of its activations and a scale of weights for each output channel; biases are rounded and not
 * corrected, since biases that were trained with rounded weights fit these weights. The result is in ONNX's QDQ form.
 *
 * Throws FeatherdetError for a graph that is quantized already, and if the scale of a value is missing.
 */
export function quantizeScaled(
  source: Graph,
  scales: ActivationScales,
  { float, weightRange = "full" }: Pick<SchemeOptions, "float" | "weightRange"> = {},
): Graph {
  const graph = prepared(source);
  const placement = scaledPlacement(graph, float);
  const settings = { weights: "channel", clipWeights: false, weightRange } as const;
  const integers = new Map(placement.layers.map((layer) => {
    const made = integersOf(layer, graph, (value) => scaleOf(scales, value).scale, () => undefined, settings);
    return [layer.node, made] as const;
  }));
  return emitQdq(graph, placement, placement.sets.map(([value]) => scaleOf(scales, value)), integers);
}
