/**
 * External data: tensors whose bytes lie in files beside the model, as torch.onnx.export writes them. Only files within the model's
 * folder are read, whatever the model names.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";

/** Bytes of external files, by the place that the model names. */
export type ExternalData = ReadonlyMap<string, Uint8Array>;

/** ONNX's number for data in another file. */
const EXTERNAL = 1;

/** What the model says of where a tensor lies. */
function entry(tensor: onnx.ITensorProto, key: string): string | undefined {
  return tensor.externalData?.find((each) => each.key === key)?.value ?? undefined;
}

/** Whether the tensor keeps its bytes in another file. */
export function isExternal(tensor: onnx.ITensorProto): boolean {
  return tensor.dataLocation === EXTERNAL || (tensor.externalData?.length ?? 0) > 0;
}

/** The place of an external tensor as the model names it. */
export function locationOf(tensor: onnx.ITensorProto): string {
  return entry(tensor, "location") ?? "";
}

/** All tensors of a graph that lie in other files. */
function externalTensors(graph: onnx.IGraphProto): onnx.ITensorProto[] {
  const sparse = (graph.sparseInitializer ?? []).flatMap(({ values, indices }) => [values ?? {}, indices ?? {}]);
  const attributes = (graph.node ?? []).flatMap(({ attribute }) => (attribute ?? []).flatMap(({ t }) => t ?? []));
  return [...graph.initializer ?? [], ...sparse, ...attributes].filter(isExternal);
}

/** The places of external data that a graph names, each once. */
export function externalLocations(graph: onnx.IGraphProto): string[] {
  return [...new Set(externalTensors(graph).map(locationOf))];
}

/**
 * The steps of a path from the model's folder. Throws FeatherdetError for a place that is or may be outside of it: an absolute path, one
 * with `..`, a backslash or a colon (drives and URLs).
 */
export function stepsOf(location: string): string[] {
  // deno-lint-ignore no-control-regex
  const isPlain = !/^\/|[\\:\u0000-\u001f]/.test(location);
  const steps = location.split("/").filter((step) => step !== ".");
  if (isPlain && steps.length > 0 && steps.every((step) => step !== "" && step !== "..")) return steps;
  throw new FeatherdetError(
    `keeps data in "${location}", which is no file within the model's own folder and is not read`,
  );
}

/** A whole number that the model gives as text. */
function count(tensor: onnx.ITensorProto, key: string, absent: number): number {
  const text = entry(tensor, key);
  const number = text === undefined ? absent : Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new FeatherdetError(`initializer "${tensor.name}" has the impossible ${key} "${text}" of its external data`);
}

/**
 * Gives the graph's external tensors their bytes, which are views. What `data` has not stays as it is, and is an error when it is read.
 * Throws FeatherdetError for a range that the file does not have.
 */
export function attachExternal(graph: onnx.IGraphProto, data: ExternalData): void {
  for (const tensor of externalTensors(graph)) {
    const location = locationOf(tensor), bytes = data.get(location);
    if (!bytes) continue;
    const offset = count(tensor, "offset", 0);
    const length = count(tensor, "length", Math.max(0, bytes.length - offset));
    if (offset + length > bytes.length) {
      throw new FeatherdetError(
        `initializer "${tensor.name}" needs bytes ${offset} to ${
          offset + length
        } of "${location}", which has ${bytes.length}`,
      );
    }
    tensor.rawData = bytes.subarray(offset, offset + length);
    tensor.dataLocation = 0;
    tensor.externalData = [];
  }
}
