/**
 * Where the channels of a value come from that were only moved since.
 *
 * @module
 */

import type { Graph } from "../graph.ts";
import { dispatch, type Node } from "../operators.ts";
import { alongAxis, channelsAlong } from "./map.ts";
import { CHANNELS } from "./table.ts";
import { ChannelTracker } from "./tracker.ts";

/** A channel of a value: the index along axis 1. */
export interface ChannelOrigin {
  readonly value: string;
  readonly channel: number;
}

/** True for nodes that move whole channels, or repeat their elements evenly. */
function movesChannels(node: Node): boolean {
  switch (node.op) {
    case "Concat":
    case "Split":
      return node.attributes.axis === 1;
    case "Slice":
      return node.attributes.axes.every((axis) => axis === 1);
    case "Resize":
      return node.attributes.mode === "nearest";
    default:
      return false;
  }
}

/**
 * The channels of every value that only holds channels of known ones, moved by Concat, Split, Slice and nearest Resize: for each index
 * along axis 1 the known value and channel. Known values have themselves; all others have no entry. Throws FeatherdetError if the
 * graph's shapes do not fit.
 */
export function channelOrigins(graph: Graph, known: Iterable<string>): Map<string, readonly ChannelOrigin[]> {
  const channels = new ChannelTracker(graph);
  const all: ChannelOrigin[] = [];
  const found = new Map<string, readonly ChannelOrigin[]>();
  for (const value of known) {
    const { length: rank, 1: count } = channels.shapeOf(value);
    if (rank < 2) continue;
    const own = Array.from({ length: count }, (_, channel): ChannelOrigin => ({ value, channel }));
    channels.set(value, alongAxis(rank, 1, Int32Array.from(own, (_, channel) => all.length + channel), NaN));
    all.push(...own);
    found.set(value, own);
  }
  for (const node of graph.nodes) {
    if (!movesChannels(node) || !node.inputs.every((name) => found.has(name))) continue;
    if (node.outputs.some((name) => found.has(name))) continue;
    dispatch(CHANNELS, node, channels);
    for (const output of node.outputs) {
      const { ids } = channelsAlong(channels.mapOf(output), 1, channels.shapeOf(output)[1])!;
      found.set(output, Array.from(ids, (id) => all[id]));
    }
  }
  return found;
}
