/**
 * Which layers of a graph an analog array computes: convolutions with constant weights. Everything else stays digital, as do the products of
 * two activations, for which weights would have to be set anew with every picture.
 *
 * @module
 */

import { type Graph, GraphIndex, type Node, sizeOf } from "../../graph/mod.ts";
import { findDetectionHead } from "../../passes/mod.ts";

/** A layer that an analog array computes. */
export interface AnalogLayer {
  /** The convolution. */
  readonly node: Node<"Conv">;
  /** Products that are summed for an output. */
  readonly window: number;
  /** Greatest absolute weight of each output channel, 1 where there is none but zeros. */
  readonly scales: Float32Array;
}

/** The greatest absolute weight of each output channel (first axis), 1 for channels of zeros. */
export function weightScales(shape: readonly number[], data: ArrayLike<number>): Float32Array {
  const size = sizeOf(shape.slice(1)), scales = new Float32Array(shape[0]);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / size);
    scales[channel] = Math.max(scales[channel], Math.abs(data[i]));
  }
  return scales.map((scale) => scale || 1);
}

/** The layers of a graph that an analog array computes, in order; the decoding of boxes is none of them. */
export function analogLayers(graph: Graph): AnalogLayer[] {
  const tail = new Set(findDetectionHead(GraphIndex.of(graph))?.tail.map(({ name }) => name));
  return graph.nodes.flatMap((node): AnalogLayer[] => {
    if (node.op !== "Conv" || tail.has(node.name)) return [];
    const weight = graph.constants.get(node.inputs[1]);
    if (weight?.dtype !== "f32") return [];
    const { shape, data } = weight;
    return [{ node, window: sizeOf(shape.slice(1)), scales: weightScales(shape, data) }];
  });
}
