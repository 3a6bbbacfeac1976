/**
 * Milliseconds that are predicted: for devices that are not here by published times, for adapters by measured dispatches.
 *
 * @module
 */

import { type Precision, storedAs } from "../engine/setup.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { predictFrame } from "../hardware/adapter/predict.ts";
import { predictLatency } from "../hardware/predict.ts";
import { deviceNames, type DevicePrecision } from "../hardware/profile.ts";
import { ADAPTER_HERE, adapterModelNames, modelOfAdapter } from "../host/adapter_models.ts";

/** Names of all that can be predicted for. */
export function predictedNames(): string[] {
  return [...deviceNames(), ADAPTER_HERE, ...adapterModelNames()];
}

/**
 * Milliseconds of a model on a device, in int8 where the model is and the device has it; of an adapter those of its dispatches, as they are
 * where it is measured. Throws FeatherdetError for devices that are not known, and for adapters without a model.
 */
export async function predictedMilliseconds(
  graph: Graph,
  device: string,
  precision: Precision = "f32",
): Promise<number> {
  const adapter = await modelOfAdapter(device);
  if (adapter) return predictFrame(graph, adapter, { scalar: storedAs(precision) }).deviceTime;
  const at = (precision?: DevicePrecision) => predictLatency(graph, { device, precision }).milliseconds;
  if (precision !== "int8") return at();
  try {
    return at("int8");
  } catch (error) {
    // Nothing is published of the device in int8.
    if (!(error instanceof FeatherdetError)) throw error;
    return at();
  }
}
