/**
 * Channel rules of operators on single elements, and of normalisation along an axis.
 *
 * @module
 */

import { type Shape, sizeOf } from "../graph.ts";
import type { BinaryOperator, Node, UnaryOperator } from "../operators.ts";
import { aligned, channelAxes, type ChannelMap, channelsAlong, expanded, leadingOnes, NONE, stepsOf } from "./map.ts";
import { binaryAtRest, unaryAtRest } from "./rest.ts";
import type { ChannelRule, ChannelTracker } from "./tracker.ts";

/** The same channels. */
export const unary: ChannelRule<UnaryOperator> = (node, channels) => {
  const map = channels.mapOf(node.inputs[0]);
  channels.set(node.outputs[0], { ...map, rest: map.rest.map((x) => unaryAtRest(node, x)) });
};

/** The same channels, adjusted by four constants: with scale and bias zero a channel is zero whatever comes in. */
export const batchNormalization: ChannelRule<"BatchNormalization"> = (node, channels) => {
  const [x, ...parameters] = node.inputs;
  const map = channels.mapOf(x);
  const list = channelsAlong(map, 1, channels.shapeOf(x)[1]);
  if (!list) return channels.mix(node, "normalises along another axis than that of the channels");
  if (!parameters.every((name) => channels.isConstant(name))) {
    return channels.mix(node, "normalises by values that the graph computes");
  }
  parameters.forEach((_, index) => channels.tie(node, 1 + index, 0, list.ids, "adjusts", index < 2));
  channels.set(node.outputs[0], { ...map, rest: map.rest.map(() => 0) });
};

/** Channels that stay where the sum runs over them, else the same: elements that are alike share the sum evenly. */
export const softmax: ChannelRule<"Softmax"> = (node, channels) => {
  const { axis } = node.attributes;
  const [x] = node.inputs;
  const map = channels.mapOf(x);
  if (map.extents[axis] > 1) channels.keep(map.ids, node, "divides by a sum over its channels");
  const share = 1 / channels.shapeOf(x)[axis];
  channels.set(node.outputs[0], { ...map, rest: map.rest.map((rest) => Number.isNaN(rest) ? NaN : share) });
};

/** Sum, difference, product and quotient: channels of both inputs that meet go together; constants belong to them. */
export const binary: ChannelRule<BinaryOperator> = (node, channels) => {
  const constants = node.inputs.map((name) => channels.isConstant(name));
  if (constants[0] === constants[1]) return constants[0] ? undefined : ofTwoValues(node, channels);
  return ofConstant(node, channels, constants[0] ? 0 : 1);
};

/** What a constant adds to or multiplies channels by, at the positions of a map; NaN where it differs within a position. */
function constantAtRest(numbers: ArrayLike<number>, shape: Shape, extents: Shape): Float64Array {
  const result = new Float64Array(sizeOf(extents)).fill(NaN);
  const first = numbers[0];
  const isUniform = Array.prototype.every.call(numbers, (number) => number === first);
  if (isUniform) return result.fill(first);
  if (shape.some((extent, axis) => extent > 1 && extents[axis] === 1)) return result;
  const from = stepsOf(shape), to = stepsOf(extents);
  return result.map((_, position) =>
    numbers[
      extents.reduce((at, extent, axis) => {
        const index = Math.floor(position / to[axis]) % extent;
        return at + (shape[axis] === 1 ? 0 : index * from[axis]);
      }, 0)
    ]
  );
}

function ofConstant(node: Node<BinaryOperator>, channels: ChannelTracker, input: 0 | 1): void {
  const constant = node.inputs[input], value = node.inputs[1 - input];
  const out = channels.shapeOf(node.outputs[0]);
  const own = channels.shapeOf(constant), shape = leadingOnes(own, out.length);
  const map = aligned(channels.mapOf(value), out.length);
  const axes = channelAxes(map);
  const met = axes.filter((axis) => shape[axis] > 1);
  const isSum = node.op === "Add" || node.op === "Sub";
  let rests: Float64Array | undefined;
  if (met.length > 0 && axes.length > 1) {
    channels.keep(map.ids, node, "meets a constant along two axes of channels");
    rests = new Float64Array(map.ids.length).fill(NaN);
  } else if (met.length > 0) {
    channels.tie(node, input, met[0] - (out.length - own.length), map.ids, "adjusts", isSum);
    // A summand is made zero with the channel; a factor need not be.
    if (isSum) rests = new Float64Array(map.ids.length);
  }
  if (map.ids.every((id) => id === NONE)) return channels.set(node.outputs[0], map);
  const other = rests ?? constantAtRest(channels.numbersOf(constant)!, shape, map.extents);
  const rest = map.rest.map((x, at) =>
    input === 0 ? binaryAtRest(node.op, other[at], x) : binaryAtRest(node.op, x, other[at])
  );
  channels.set(node.outputs[0], { ...map, rest });
}

function ofTwoValues(node: Node<BinaryOperator>, channels: ChannelTracker): void {
  const rank = channels.shapeOf(node.outputs[0]).length;
  const shapes = node.inputs.map((name) => leadingOnes(channels.shapeOf(name), rank));
  const maps = node.inputs.map((name) => aligned(channels.mapOf(name), rank));
  channels.set(node.outputs[0], met(node, channels, maps, shapes, (a, b) => binaryAtRest(node.op, a, b)));
}

/**
 * The map of elements that two values of the same rank make together, element by element, and what that couples: channels that meet go
 * together; one that meets many channels, because it is repeated along them, stays, and so does one that meets what has no channel.
 */
export function met(
  node: Node,
  channels: ChannelTracker,
  maps: readonly ChannelMap[],
  shapes: readonly Shape[],
  atRest: (a: number, b: number) => number,
): ChannelMap {
  const [a, b] = maps;
  const extents = a.extents.map((extent, axis) => Math.max(extent, b.extents[axis]));
  const [left, right] = [expanded(a, extents), expanded(b, extents)];
  const isRepeated = (one: 0 | 1) => channelAxes(maps[1 - one]).some((axis) => shapes[one][axis] === 1);
  const isBeside = (one: 0 | 1) => channelAxes(maps[one]).every((axis) => shapes[1 - one][axis] === 1);
  const [leftRepeated, rightRepeated] = [isRepeated(0), isRepeated(1)];
  const [leftBeside, rightBeside] = [isBeside(0), isBeside(1)];
  const spread = new Set<number>(), mixed = new Set<number>();
  const ids = new Int32Array(left.ids.length), rest = new Float64Array(left.ids.length);
  ids.forEach((_, at) => {
    const [idA, idB] = [left.ids[at], right.ids[at]];
    let [restA, restB] = [left.rest[at], right.rest[at]];
    ids[at] = idA === NONE || (leftRepeated && idB !== NONE) ? idB : idA;
    if (idA !== NONE && idB !== NONE) {
      if (leftRepeated) {
        spread.add(idA);
        restA = NaN;
      }
      if (rightRepeated) {
        spread.add(idB);
        restB = NaN;
      }
      if (!leftRepeated && !rightRepeated) channels.unite(idA, idB);
    } else if (idA !== NONE && !leftBeside) mixed.add(idA);
    else if (idB !== NONE && !rightBeside) mixed.add(idB);
    rest[at] = atRest(restA, restB);
  });
  channels.keep(spread, node, "spreads it over all channels of another value");
  channels.keep(mixed, node, "joins it with channels that stay");
  return { extents, ids, rest };
}
