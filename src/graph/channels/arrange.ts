/**
 * Channel rules of operators that only move elements.
 *
 * @module
 */

import type { Node } from "../operators.ts";
import { channelAxes, type ChannelMap, expanded, joined, NONE, permuted, taken, untracked } from "./map.ts";
import type { ChannelRule, ChannelTracker } from "./tracker.ts";

export { reshape } from "./reshape.ts";

/** Inputs' channels one behind the other; what is joined along another axis goes together. */
export const concat: ChannelRule<"Concat"> = (node, channels) => {
  const { axis } = node.attributes;
  const maps = node.inputs.map((name) => channels.mapOf(name));
  const [output] = node.outputs;
  const rank = channels.shapeOf(output).length;
  if (maps.every(({ ids }) => ids.every((id) => id === NONE))) return channels.set(output, untracked(rank));
  const extents = maps[0].extents.map((_, at) => Math.max(...maps.map((map) => map.extents[at])));
  const isAlong = maps.some((map) => map.extents[axis] > 1) || maps.every((map) => channelAxes(map).length === 0);
  if (!isAlong) return channels.set(output, stacked(node, channels, maps.map((map) => expanded(map, extents))));
  const full = maps.map((map, index) => {
    const extent = channels.shapeOf(node.inputs[index])[axis];
    return expanded(map, extents.map((other, at) => at === axis ? extent : other));
  });
  channels.set(output, joined(full, axis));
};

/** One map for several of the same extents that lie behind each other along an axis without channels. */
function stacked(node: Node, channels: ChannelTracker, maps: readonly ChannelMap[]): ChannelMap {
  const ids = maps[0].ids.slice(), rest = maps[0].rest.slice();
  ids.forEach((_, at) => {
    channels.uniteAll(maps.map((map) => map.ids[at]), node, "joins it with channels that stay");
    ids[at] = maps.find((map) => map.ids[at] !== NONE)?.ids[at] ?? NONE;
    if (maps.some((map) => !Object.is(map.rest[at], rest[at]))) rest[at] = NaN;
  });
  return { ...maps[0], ids, rest };
}

/** Parts of the channels. */
export const split: ChannelRule<"Split"> = (node, channels) => {
  const { axis, sizes } = node.attributes;
  const map = channels.mapOf(node.inputs[0]);
  let start = 0;
  node.outputs.forEach((name, index) => {
    channels.set(name, taken(map, axis, start, sizes[index]));
    start += sizes[index];
  });
};

/** Neighbouring channels. Channels of which only every second one is taken stay, for the step would meet others. */
export const slice: ChannelRule<"Slice"> = (node, channels) => {
  const { axes, starts, steps } = node.attributes;
  const [output] = node.outputs, shape = channels.shapeOf(output);
  let map = channels.mapOf(node.inputs[0]);
  axes.forEach((axis, index) => {
    const step = steps[index];
    if (map.extents[axis] > 1 && step !== 1) channels.keep(map.ids, node, `takes channels in steps of ${step}`);
    map = taken(map, axis, starts[index], shape[axis], step);
  });
  channels.set(output, map);
};

/** The same channels, along another axis. */
export const transpose: ChannelRule<"Transpose"> = (node, channels) =>
  channels.set(node.outputs[0], permuted(channels.mapOf(node.inputs[0]), node.attributes.perm));

/** The same channels, at rest if what is put around them is what they are at rest; channels put beside them stay. */
export const pad: ChannelRule<"Pad"> = (node, channels) => {
  const { mode, pads, value } = node.attributes;
  const [x] = node.inputs, rank = channels.shapeOf(x).length;
  let map = channels.mapOf(x);
  const isPadded = (axis: number) => pads[axis] + pads[rank + axis] > 0;
  if (mode !== "constant" && channelAxes(map).some(isPadded)) {
    return channels.mix(node, "copies channels to its border");
  }
  for (let axis = 0; axis < rank; axis++) {
    if (!isPadded(axis)) continue;
    if (map.extents[axis] > 1) {
      const border = [pads[axis], pads[rank + axis]].map((extent) =>
        expanded(untracked(rank), map.extents.map((other, at) => at === axis ? extent : other))
      );
      map = joined([border[0], map, border[1]], axis);
    } else if (mode === "constant") {
      map = { ...map, rest: map.rest.map((rest) => rest === value ? rest : NaN) };
    }
  }
  channels.set(node.outputs[0], map);
};
