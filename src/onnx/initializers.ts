/**
 * The tensors whose elements are known at import: the file's initializers, and what is computed from them.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import { MOST_AXES } from "../graph/shapes/common.ts";
import type { Budget } from "./budget.ts";
import { decodeSparse } from "./sparse.ts";
import { decodeTensor, type OnnxTensor } from "./tensor.ts";

/** Initializers by name, decoded when they are first read. */
export class Initializers {
  readonly #tensors = new Map<string, onnx.ITensorProto | onnx.ISparseTensorProto | OnnxTensor>();

  /** Throws FeatherdetError for two initializers of one name. */
  constructor(graph: onnx.IGraphProto, readonly budget: Budget) {
    const enter = (name: string, tensor: onnx.ITensorProto | onnx.ISparseTensorProto) => {
      if (this.#tensors.has(name)) throw new FeatherdetError(`initializer "${name}" appears twice`);
      this.#tensors.set(name, tensor);
    };
    for (const tensor of graph.initializer ?? []) enter(tensor.name ?? "", tensor);
    for (const tensor of graph.sparseInitializer ?? []) enter(tensor.values?.name ?? "", tensor);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  get(name: string): OnnxTensor | undefined {
    const entry = this.#tensors.get(name);
    if (!entry || "dtype" in entry) return entry;
    const label = `initializer "${name}"`;
    const tensor = "indices" in entry ? decodeSparse(entry, label, this.budget) : decodeTensor(entry, label);
    this.#tensors.set(name, tensor);
    return tensor;
  }

  /** Takes a tensor computed at import. Throws FeatherdetError for one of too many axes. */
  set(name: string, tensor: OnnxTensor): void {
    const { length } = tensor.shape;
    if (length > MOST_AXES) {
      throw new FeatherdetError(`makes "${name}" of ${length} axes, more than the ${MOST_AXES} that are read`);
    }
    this.#tensors.set(name, tensor);
  }
}
