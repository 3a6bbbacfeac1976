/**
 * What a model becomes that was trained with rounded numbers: the graph that computes with them for good.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { historyEntry, withHistory } from "../history.ts";
import { foldBatchNormalization } from "../../passes/mod.ts";
import { describedPacking, type PackWeightsOptions, withPackedWeights } from "./pack_weights.ts";
import type { PrepareQatOptions } from "./prepare_qat.ts";
import { quantizeScaled } from "./scaled.ts";

/** The options of `prepareQat`. */
export interface ConvertQatOptions extends PrepareQatOptions {
  /** Further options for the history. */
  readonly also?: Readonly<Record<string, unknown>>;
}

/**
 * Turns a float model, with the weights that were trained behind the graph of `prepareQat`, into the model that they were trained for: for
 * 8 bits in QDQ form with the same scales of activations (`quantizeScaled`), for 4, 2 and 1 bits with packed weights, ternary ones by the rule
 * `twn` that training follows (`packWeights`). Options have to be those of `prepareQat`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { convertQat } from "./convert_qat.ts";
 * import { prepareQat } from "./prepare_qat.ts";
 * const model = yolo11({ width: 0.0625, size: 64 });
 * const { layers } = prepareQat(model, { bits: 1 }); // its graph is trained; `withWeights` brings back what it learned
 * const binary = convertQat(model, { bits: 1 });
 * assert.equal(binary.nodes.filter(({ op }) => op === "UnpackWeights").length, layers.length);
 * ```
 *
 * Throws FeatherdetError for a model that is quantized already, for scales that are missing or of another model, and if nothing is
 * rounded.
 */
export function convertQat(model: Graph, options: ConvertQatOptions): Graph {
  const { bits, scales, float = "yolo11" } = options;
  const entry = (how: Readonly<Record<string, unknown>>) =>
    historyEntry("convertQat", { ...how, ...options.also }, model);
  if (bits !== 8) {
    const rule: PackWeightsOptions = { bits, float, threshold: "twn" };
    const { graph } = withPackedWeights(foldBatchNormalization(model), rule);
    return withHistory(graph, entry(describedPacking(rule)));
  }
  if (scales === undefined) {
    throw new FeatherdetError("a model that was trained in int8 needs its scales of activations", { file: model.name });
  }
  const rule = typeof float === "string" ? float : "chosen layers";
  return withHistory(quantizeScaled(model, scales, { float }), entry({ weights: "channel", float: rule }));
}
