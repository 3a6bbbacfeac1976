/**
 * Where the numbers of a value are stored: as a constant of floats, as one of whole numbers behind a DequantizeLinear, as packed
 * codes behind an UnpackWeights, or as the floats that a FakeQuantizeWeights rounds.
 *
 * @module
 */

import { type Constant, type ElementType, type Graph, sizeOf, type TensorType } from "./graph.ts";
import { GraphIndex } from "./graph_index.ts";
import type { Node } from "./operators.ts";
import type { WeightBits } from "./packed_weights.ts";

/** The constant behind a weight. */
export interface WeightSource {
  /** Name of the constant that holds the numbers. */
  readonly name: string;
  /** The numbers as they are stored. */
  readonly constant: Constant;
  /** What makes floats of them; absent if they are floats already. */
  readonly dequantize?: {
    /** The node. */
    readonly node: Node<"DequantizeLinear">;
    /** Its scales: one number, or one for each index along the node's axis. */
    readonly scale: Constant;
    /** Its zero points, as many. */
    readonly zeroPoint: Constant;
  };
  /** What makes floats of packed codes; absent for other weights. */
  readonly unpack?: {
    /** The node, which knows the shape. */
    readonly node: Node<"UnpackWeights">;
    /** Its scales, one for each output channel. */
    readonly scale: Constant;
  };
}

/**
 * The constant behind a value: itself, what a DequantizeLinear or UnpackWeights of constants makes floats of, or the floats that a
 * FakeQuantizeWeights rounds; undefined for values that are computed from the graph's inputs.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { weightSource } from "./weight_source.ts";
 * const graph = demoDetector({ size: 64 });
 * const conv = graph.nodes.find(({ op }) => op === "Conv")!;
 * assert.equal(weightSource(graph, conv.inputs[1])?.constant.dtype, "f32");
 * assert.equal(weightSource(graph, conv.inputs[0]), undefined);
 * ```
 */
export function weightSource(graph: Graph, value: string): WeightSource | undefined {
  const constant = graph.constants.get(value);
  if (constant) return { name: value, constant };
  const node = GraphIndex.of(graph).producerOf(value);
  if (node?.op === "FakeQuantizeWeights") return weightSource(graph, node.inputs[0]);
  if (node?.op !== "DequantizeLinear" && node?.op !== "UnpackWeights") return undefined;
  const [stored, scale, zeroPoint] = node.inputs.map((name) => graph.constants.get(name));
  if (!stored || !scale) return undefined;
  if (node.op === "UnpackWeights") return { name: node.inputs[0], constant: stored, unpack: { node, scale } };
  if (!zeroPoint) return undefined;
  return { name: node.inputs[0], constant: stored, dequantize: { node, scale, zeroPoint } };
}

/** Elements of a weight. */
export function weightSize({ constant, unpack }: WeightSource): number {
  return sizeOf(unpack?.node.attributes.shape ?? constant.shape);
}

/**
 * Element type in which a value lies in memory between quantized layers: that before its DequantizeLinear, or its own; for packed
 * weights the bits of a code.
 */
export function storedType(
  graph: Graph,
  value: string,
  types: ReadonlyMap<string, TensorType>,
): ElementType | WeightBits {
  const node = GraphIndex.of(graph).producerOf(value);
  if (node?.op === "UnpackWeights") return node.attributes.bits;
  return types.get(node?.op === "DequantizeLinear" ? node.inputs[0] : value)!.dtype;
}
