/**
 * What a model costs, counted without running it: parameters, bytes, operations, sparsity, dispatches, activation memory.
 *
 * @module
 */

import { planModel } from "../detect/plan_model.ts";
import { analyze, type AnalyzeOptions, type Graph } from "../graph/mod.ts";
import type { StorageForm } from "../kernels/kernel.ts";
import { saveOnnx } from "../onnx/mod.ts";
import type { MemoryReport } from "../plan/plan.ts";
import type { Precision } from "../engine/session.ts";
import { deviceWeightBytes } from "./device_weights.ts";

/** How to count. */
export interface CostOptions {
  /** Element type in which activations and weights are stored on the device. Default `f32`. */
  readonly precision?: Precision;
  /** How activations are stored: `buffer` (the default) as on hardware, `texture` as on software adapters. */
  readonly storage?: StorageForm["storage"];
  /** Bit widths for the bit operations of each layer; by default the stored ones, with floats in the precision. See `AnalyzeOptions`. */
  readonly bits?: AnalyzeOptions["bits"];
}

/** What a model costs at its input shapes. */
export interface ModelCosts {
  /** Trained weights. */
  readonly parameters: number;
  /** Bytes of weights and statistics in the graph's own element types. */
  readonly weightBytes: number;
  /** Bytes of the constants that the kernels read, packed and in the precision asked for. */
  readonly deviceWeightBytes: number;
  /** Bytes of the model as `saveOnnx` writes it. The file holds floats in f32, so the precision does not change it. */
  readonly fileBytes: number;
  /** Multiply-accumulates of one run. */
  readonly macs: number;
  /** Dense floating-point operations of one run, as Ultralytics counts them: weights that are 0 count too. */
  readonly flops: number;
  /** Elements of the weights of convolutions and matrix products. */
  readonly weightElements: number;
  /** Those that are exactly 0. */
  readonly zeros: number;
  /** `zeros` over `weightElements`, 0..1. */
  readonly sparsity: number;
  /** The part of `flops` whose weight is not 0: what a kernel that skips zeros would compute. Ours skip whole blocks only. */
  readonly nonzeroFlops: number;
  /** Multiply-accumulates times the bits of both factors, zeros included. */
  readonly bitOperations: number;
  /** Nodes that have weights. */
  readonly layers: number;
  /** All nodes of the graph. */
  readonly nodes: number;
  /** Dispatches of one run; for a detector those of one frame, from letterbox to suppression. */
  readonly dispatches: number;
  /**
   * Greatest number of bytes of activations at one time: as planned, with a buffer for each value, and the least that any plan needs.
   * Buffers in which a detector decodes the head's maps are not included.
   */
  readonly activationPeak: MemoryReport;
}

/** Bits of a float by precision; what is stored in fewer bits has those. */
const FLOAT_BITS: Readonly<Record<Precision, number>> = { f32: 32, f16: 16, "f16-fast": 16, int8: 32 };

/**
 * Counts a model's parameters, bytes, operations, dispatches and activation memory. Reads all weights; a built model draws its random
 * weights then. Needs no device.
 *
 * Throws FeatherdetError if shapes do not fit or an operator has no kernel for its shapes.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { countCosts } from "./costs.ts";
 * const { parameters, fileBytes, activationPeak } = countCosts(yolo11({ width: 0.125, size: 64 }));
 * assert.ok(fileBytes > 4 * parameters); // floats of four bytes
 * assert.ok(activationPeak.planned < activationPeak.naive);
 * ```
 */
export function countCosts(graph: Graph, options: CostOptions = {}): ModelCosts {
  const { precision = "f32", storage = "buffer" } = options;
  const counted = analyze(graph, { zeros: true, bits: options.bits, floatBits: FLOAT_BITS[precision] });
  const { plan, dispatches } = planModel(graph, { precision, storage });
  return {
    parameters: counted.parameters,
    weightBytes: counted.bytes,
    deviceWeightBytes: deviceWeightBytes(plan),
    fileBytes: saveOnnx(graph).byteLength,
    macs: counted.macs,
    flops: counted.flops,
    weightElements: counted.weightElements,
    zeros: counted.zeros,
    sparsity: counted.sparsity,
    nonzeroFlops: counted.nonzeroFlops,
    bitOperations: counted.bitOperations,
    layers: counted.weightLayers,
    nodes: graph.nodes.length,
    dispatches: dispatches.length,
    activationPeak: plan.memory,
  };
}
