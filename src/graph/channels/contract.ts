/**
 * Channel rules of operators that sum over axes: matrix products and reductions.
 *
 * @module
 */

import { sizeOf } from "../graph.ts";
import type { Node } from "../operators.ts";
import {
  alongAxis,
  channelAxes,
  type ChannelMap,
  channelsAlong,
  leadingOnes,
  NONE,
  reshaped,
  untracked,
} from "./map.ts";
import { met } from "./elementwise.ts";
import type { ChannelRule, ChannelTracker } from "./tracker.ts";
import { weightAxes } from "./weight_axes.ts";

const TWO_AXES = "has channels along two axes";

/** Reads channels along the inner axis of a constant matrix and makes channels along its outer one; values are `mix`ed. */
export const gemm: ChannelRule<"Gemm"> = (node, channels) => {
  const [a, b, c] = node.inputs;
  const isConstant = [a, b].map((name) => channels.isConstant(name));
  if (isConstant[0] === isConstant[1]) {
    if (!isConstant[0]) channels.mix(node, "multiplies two values");
    return;
  }
  const [value, weight] = isConstant[1] ? [0, 1] as const : [1, 0] as const;
  const { out, into } = weightAxes(node, weight, 2);
  // The value's inner axis is where a weight in its place would have it.
  const inner = weightAxes(node, value, 2).into;
  const shape = channels.shapeOf(node.inputs[value]);
  const list = channelsAlong(channels.mapOf(node.inputs[value]), inner, shape[inner]);
  if (!list) return channels.mix(node, "reads channels along another axis than the one that it sums over");
  if (c !== undefined && !channels.isConstant(c)) return channels.mix(node, "adds a value that the graph computes");
  channels.reads(node, weight, into, list);
  const ids = channels.makes(node, weight, out);
  let rest = 0;
  if (c !== undefined) {
    const own = channels.shapeOf(c), axis = (weight === 1 ? 1 : 0) - (2 - own.length);
    if (own[axis] === ids.length && ids.length > 1) channels.tie(node, 2, axis, ids, "makes", true);
    else rest = Array.prototype.every.call(channels.numbersOf(c)!, (x: number) => x === 0) ? 0 : NaN;
  }
  channels.set(node.outputs[0], alongAxis(2, weight === 1 ? 1 : 0, ids, rest));
};

/** As Gemm, with leading axes; of two values, channels that are summed over together go together. */
export const matMul: ChannelRule<"MatMul"> = (node, channels) => {
  const isConstant = node.inputs.map((name) => channels.isConstant(name));
  if (isConstant[0] && isConstant[1]) return;
  if (isConstant[0] || isConstant[1]) return ofConstant(node, channels, isConstant[1] ? 1 : 0);
  ofTwoValues(node, channels);
};

function ofConstant(node: Node<"MatMul">, channels: ChannelTracker, weight: 0 | 1): void {
  const value = node.inputs[1 - weight], [output] = node.outputs;
  const rank = channels.shapeOf(output).length, shape = channels.shapeOf(value);
  const weightShape = channels.shapeOf(node.inputs[weight]);
  const map = channels.mapOf(value);
  const inner = weightAxes(node, weight === 1 ? 0 : 1, shape.length).into;
  const list = channelsAlong(map, inner, shape[inner]);
  if (list) {
    const { out, into } = weightAxes(node, weight, weightShape.length);
    channels.reads(node, weight, into, list);
    const ids = channels.makes(node, weight, out);
    return channels.set(output, alongAxis(rank, weight === 1 ? rank - 1 : rank - 2, ids, 0));
  }
  const lead = leadingOnes(weightShape, Math.max(shape.length, weightShape.length));
  const meets = channelAxes(map).some((axis) => axis < shape.length - 2 && lead[axis + lead.length - shape.length] > 1);
  if (map.extents[inner] > 1 || meets) return channels.mix(node, TWO_AXES);
  // Channels along an axis that is not summed over pass; zeros give zeros.
  const extents = leadingOnes(map.extents, rank);
  channels.set(output, { ...map, extents, rest: map.rest.map((x) => x === 0 ? 0 : NaN) });
}

function ofTwoValues(node: Node<"MatMul">, channels: ChannelTracker): void {
  const [output] = node.outputs, out = channels.shapeOf(output), rank = out.length;
  const shapes = node.inputs.map((name) => leadingOnes(channels.shapeOf(name), rank));
  const maps = node.inputs.map((name) =>
    reshaped(channels.mapOf(name), leadingOnes(channels.mapOf(name).extents, rank))
  );
  const lead = maps.map((map) => channelAxes(map).filter((axis) => axis < rank - 2).length > 0);
  const [rows, inner] = [maps[0].extents[rank - 2] > 1, maps[0].extents[rank - 1] > 1];
  const [innerToo, columns] = [maps[1].extents[rank - 2] > 1, maps[1].extents[rank - 1] > 1];
  const isZero = (a: number, b: number) => a === 0 || b === 0 ? 0 : NaN;
  if (!rows && !inner && !innerToo && !columns) {
    // The two axes of the product hold no channels, whatever their extents are.
    const leading = shapes.map((shape) => [...shape.slice(0, -2), 1, 1]);
    return channels.set(output, met(node, channels, maps, leading, isZero));
  }
  if (lead[0] || lead[1] || (rows && (inner || columns)) || (columns && innerToo)) return channels.mix(node, TWO_AXES);
  if (inner || innerToo) {
    const length = shapes[0][rank - 1];
    const [a, b] = [channelsAlong(maps[0], rank - 1, length)!, channelsAlong(maps[1], rank - 2, length)!];
    const rest = new Float64Array(length), ids = new Int32Array(length);
    for (let k = 0; k < length; k++) {
      channels.uniteAll([a.ids[k], b.ids[k]], node, "sums over it together with channels that stay");
      ids[k] = a.ids[k] === NONE ? b.ids[k] : a.ids[k];
      rest[k] = isZero(a.rest[k], b.rest[k]);
    }
    channels.needsZero(node, { ids, rest });
    if (rows || columns) return channels.mix(node, TWO_AXES);
    return channels.set(output, untracked(rank));
  }
  const map = rows ? maps[0] : maps[1];
  const extents = map.extents;
  channels.set(output, { ...map, extents, rest: map.rest.map((x) => x === 0 ? 0 : NaN) });
}

/** A sum over channels reads them; a mean or a greatest element of channels would change where one is taken away, so they stay. */
export const reduce: ChannelRule<"ReduceMean" | "ReduceSum" | "ReduceMax"> = (node, channels) => {
  const [x] = node.inputs, [output] = node.outputs;
  const { axes, keepDims } = node.attributes;
  const shape = channels.shapeOf(x), map = channels.mapOf(x);
  const reduced = channelAxes(map).filter((axis) => axes.includes(axis));
  if (reduced.length > 0) {
    const list = node.op === "ReduceSum" ? channelsAlong(map, reduced[0], shape[reduced[0]]) : undefined;
    if (!list) return channels.mix(node, node.op === "ReduceSum" ? TWO_AXES : "takes one number of all its channels");
    channels.needsZero(node, list);
    return channels.set(output, untracked(channels.shapeOf(output).length));
  }
  const count = node.op === "ReduceSum" ? sizeOf(axes.map((axis) => shape[axis])) : 1;
  const kept: ChannelMap = { ...map, rest: map.rest.map((rest) => rest * count) };
  channels.set(output, keepDims ? kept : reshaped(kept, kept.extents.filter((_, axis) => !axes.includes(axis))));
};
