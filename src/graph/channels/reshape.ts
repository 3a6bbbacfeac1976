/**
 * The channel rule of Reshape: axes merged keep their channels, an axis that is split has to stay a rectangle.
 *
 * C channels as `[heads, C / heads]` stay a rectangle where whole heads go, or the same place of every head. What follows decides which:
 * see `whole.ts`.
 *
 * @module
 */

import { sizeOf } from "../graph.ts";
import type { Node } from "../operators.ts";
import { axisBlocks } from "./axis_blocks.ts";
import { type ChannelMap, compressed, expanded, reshaped, stepsOf } from "./map.ts";
import type { ChannelRule, ChannelTracker } from "./tracker.ts";
import { axisThatGoes } from "./whole.ts";

/** Lets all channels of a map go together that differ along other axes than the one that goes. */
function uniteOthers(channels: ChannelTracker, node: Node, map: ChannelMap, axes: readonly number[], goes?: number) {
  const steps = stepsOf(map.extents);
  const sets = new Map<number, number[]>();
  map.ids.forEach((id, at) => {
    // Two elements go together where they have the same place on the axis that goes and on those of other blocks.
    let key = at;
    for (const axis of axes) {
      if (axis !== goes) key -= steps[axis] * (Math.floor(at / steps[axis]) % map.extents[axis]);
    }
    const set = sets.get(key);
    if (set) set.push(id);
    else sets.set(key, [id]);
  });
  for (const ids of sets.values()) channels.uniteAll(ids, node, "keeps it in a rectangle with channels that stay");
}

/** The same channels under other extents. */
export const reshape: ChannelRule<"Reshape"> = (node, channels) => {
  const [x] = node.inputs, [output] = node.outputs;
  const from = channels.shapeOf(x), to = channels.shapeOf(output);
  const map = channels.mapOf(x);
  const full = [...map.extents], extents = new Array<number>(to.length).fill(1);
  const split: (readonly number[])[] = [];
  for (const block of axisBlocks(from, to)) {
    if (sizeOf(block.from.map((axis) => map.extents[axis])) === 1) continue;
    for (const axis of block.from) full[axis] = from[axis];
    for (const axis of block.to) extents[axis] = to[axis];
    split.push(block.to);
  }
  let result = compressed(reshaped(expanded(map, full), extents), channels.same);
  for (const block of split) {
    const axes = block.filter((axis) => result.extents[axis] > 1);
    if (axes.length < 2) continue;
    const { axis, needing } = axisThatGoes(channels, output, axes);
    if (axis === undefined) {
      const who = needing.map(({ op, name }) => `${op} "${name}"`).join(" and ");
      channels.keep(result.ids, node, `splits it over axes that ${who} need whole`);
    }
    uniteOthers(channels, node, result, axes, axis);
    result = compressed(result, channels.same);
  }
  channels.set(output, result);
};
