/**
 * The tensors whose elements are known at import: the file's initializers, and what is computed from them.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import { decodeTensor, type OnnxTensor } from "./tensor.ts";

/** Initializers by name, decoded when they are first read. The constructor throws FeatherdetError for sparse ones. */
export class Initializers {
  readonly #tensors = new Map<string, onnx.ITensorProto | OnnxTensor>();

  constructor(graph: onnx.IGraphProto, file: string) {
    const sparse = graph.sparseInitializer?.[0];
    if (sparse) throw new FeatherdetError(`initializer "${sparse.values?.name}" is sparse, not supported`, { file });
    for (const tensor of graph.initializer ?? []) this.#tensors.set(tensor.name ?? "", tensor);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  get(name: string): OnnxTensor | undefined {
    const entry = this.#tensors.get(name);
    if (!entry || "dtype" in entry) return entry;
    const tensor = decodeTensor(entry, `initializer "${name}"`);
    this.#tensors.set(name, tensor);
    return tensor;
  }

  /** Takes a tensor computed at import. */
  set(name: string, tensor: OnnxTensor): void {
    this.#tensors.set(name, tensor);
  }
}
