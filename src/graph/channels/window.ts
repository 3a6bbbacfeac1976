/**
 * Channel rules of convolutions, and of what slides windows over single channels or changes their extents.
 *
 * @module
 */

import type { Node } from "../operators.ts";
import { alongAxis, type ChannelList, channelsAlong } from "./map.ts";
import type { ChannelRule, ChannelTracker } from "./tracker.ts";
import { type WeightAxes, weightAxes } from "./weight_axes.ts";

const STAYING = "couples it with channels that stay";

/** Either convolution: reads channels along the weight's input axis, makes channels along its output axis. */
export const convolution: ChannelRule<"Conv" | "ConvTranspose"> = (node, channels) => {
  const axes = weightAxes(node, 1, 4);
  const [x, weight, bias] = node.inputs;
  const [, count] = channels.shapeOf(x), [, outputs] = channels.shapeOf(node.outputs[0]);
  const { groups } = node.attributes;
  const input = channelsAlong(channels.mapOf(x), 1, count);
  if (!input) return channels.mix(node, "reads channels along another axis than 1");
  if (!channels.isConstant(weight) || (bias !== undefined && !channels.isConstant(bias))) {
    return channels.mix(node, "has weights that the graph computes");
  }
  const perInput = count / groups, perOutput = outputs / groups;
  const ids = groups === 1
    ? dense(node, channels, axes, input)
    : perInput === 1 || perOutput === 1
    ? byGroups(node, channels, axes, input, perInput, perOutput)
    : byPositions(node, channels, axes, input, perInput, perOutput);
  if (bias !== undefined) channels.tie(node, 2, 0, ids, "makes", true);
  channels.set(node.outputs[0], alongAxis(4, 1, ids, 0));
};

function dense(node: Node, channels: ChannelTracker, { out, into }: WeightAxes, input: ChannelList): Int32Array {
  channels.reads(node, 1, into, input);
  return channels.makes(node, 1, out);
}

/**
 * A group with one input or output channel, as in a depthwise convolution, goes as a whole. Its outputs are zero with its weights,
 * whatever comes in.
 */
function byGroups(
  node: Node<"Conv" | "ConvTranspose">,
  channels: ChannelTracker,
  { out }: WeightAxes,
  input: ChannelList,
  perInput: number,
  perOutput: number,
): Int32Array {
  // Axis 0 of the weight, whose slices go, counts outputs for Conv and inputs for ConvTranspose.
  const rows = channels.makes(node, 1, 0);
  const perRow = out === 0 ? perOutput : perInput;
  const { groups } = node.attributes;
  for (let group = 0; group < groups; group++) {
    const own = rows.subarray(group * perRow, (group + 1) * perRow);
    channels.uniteAll([...own, ...input.ids.subarray(group * perInput, (group + 1) * perInput)], node, STAYING);
  }
  if (out === 0) return rows;
  return Int32Array.from({ length: groups * perOutput }, (_, i) => rows[Math.floor(i / perOutput) * perInput]);
}

/** The same place of every group goes together, so that groups stay alike. */
function byPositions(
  node: Node<"Conv" | "ConvTranspose">,
  channels: ChannelTracker,
  { out, into }: WeightAxes,
  input: ChannelList,
  perInput: number,
  perOutput: number,
): Int32Array {
  const { groups } = node.attributes;
  /** Unites the same places of all groups of a list. */
  const level = (ids: Int32Array, perGroup: number) => {
    for (let i = 0; i < perGroup; i++) {
      channels.uniteAll(Array.from({ length: groups }, (_, group) => ids[group * perGroup + i]), node, STAYING);
    }
  };
  level(input.ids, perInput);
  channels.needsZero(node, input);
  const made = channels.makes(node, 1, out);
  if (into === 1) {
    channels.tie(node, 1, 1, input.ids.slice(0, perInput), "reads", false);
    level(made, perOutput);
    return made;
  }
  channels.tie(node, 1, 0, input.ids, "reads", false);
  return Int32Array.from({ length: groups * perOutput }, (_, i) => made[i % perOutput]);
}

/** The same channels, where windows lie within them; `rest` says what becomes of a channel at rest. */
function withinChannels(node: Node, channels: ChannelTracker, rest: (x: number) => number): void {
  const map = channels.mapOf(node.inputs[0]);
  if (channels.isElsewhere(map, 0, 1)) return channels.mix(node, "slides windows over its channels");
  channels.set(node.outputs[0], { ...map, rest: map.rest.map(rest) });
}

/** The same channels: pads are never the greatest. */
export const maxPool: ChannelRule<"MaxPool"> = (node, channels) => withinChannels(node, channels, (x) => x);

/** The same channels; zeros around the map count where the node says so. */
export const averagePool: ChannelRule<"AveragePool"> = (node, channels) => {
  const { pads, countIncludePad } = node.attributes;
  const isPure = !countIncludePad || pads.every((pad) => pad === 0);
  withinChannels(node, channels, (x) => isPure || x === 0 ? x : NaN);
};

/** The same channels. */
export const globalAveragePool: ChannelRule<"GlobalAveragePool"> = (node, channels) =>
  withinChannels(node, channels, (x) => x);

/** The same channels. */
export const resize: ChannelRule<"Resize"> = (node, channels) => withinChannels(node, channels, (x) => x);
