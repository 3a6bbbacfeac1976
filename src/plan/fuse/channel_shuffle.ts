/**
 * Finds channel shuffles (Zhang et al. 2018) as exporters spell them, where channel `g * C / groups + i` becomes `i * groups + g`:
 *
 * [N,C,H,W] -> Reshape [N,groups,C/groups,H,W] -> Transpose (0,2,1,3,4) -> Reshape [N,C,H,W]
 *
 * H and W may be one axis in between.
 *
 * @module
 */

import { type GraphIndex, type Node, sizeOf } from "../../graph/mod.ts";
import { channelShuffleKernel } from "../../kernels/channel_shuffle.ts";
import type { PlanNode } from "../node.ts";

/** A channel shuffle. */
export interface ChannelShuffle {
  /** `[N, C, H, W]`. */
  readonly input: string;
  /** As the input. */
  readonly output: string;
  readonly groups: number;
  /** Reshape, Transpose, Reshape. */
  readonly nodes: readonly [Node, Node, Node];
}

/** Every channel shuffle whose values in between nobody else reads. */
export function findChannelShuffles(index: GraphIndex): ChannelShuffle[] {
  const shapeOf = (value: string) => index.shapeOf(value);
  return index.graph.nodes.flatMap((swap): ChannelShuffle[] => {
    if (swap.op !== "Transpose") return [];
    const { perm } = swap.attributes;
    if (perm.length < 4 || perm.some((axis, i) => axis !== (i === 1 ? 2 : i === 2 ? 1 : i))) return [];
    const split = index.producerOf(swap.inputs[0]);
    const merge = index.soleReader(swap.outputs[0]);
    if (split?.op !== "Reshape" || merge?.op !== "Reshape" || index.soleReader(split.outputs[0]) !== swap) return [];
    const [input] = split.inputs, [output] = merge.outputs;
    if (index.isConstant(input) || index.typeOf(input).dtype !== "f32") return [];
    const [batch, channels, ...pixels] = shapeOf(input);
    const [, groups, ...rest] = shapeOf(split.outputs[0]);
    const grouped = [batch, groups, channels / groups].every((extent, i) => extent === shapeOf(split.outputs[0])[i]);
    const same = pixels.length === 2 && shapeOf(output).join() === shapeOf(input).join();
    if (!grouped || !same || sizeOf(rest.slice(1)) !== sizeOf(pixels)) return [];
    return [{ input, output, groups, nodes: [split, swap, merge] }];
  });
}

/** The shuffle as one dispatch over row memory. */
export function shuffleNode({ input, output, groups, nodes }: ChannelShuffle): PlanNode {
  return {
    name: nodes[2].name,
    operator: "ChannelShuffle",
    inputs: [input],
    outputs: [output],
    reads: "blocked",
    writes: "blocked",
    macs: 0,
    kernels: ({ operand, pitch }) => [channelShuffleKernel(operand(input), operand(output), groups, pitch)],
  };
}
