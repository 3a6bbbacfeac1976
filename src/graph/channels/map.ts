/**
 * The channel map of a value: which channel each of its elements belongs to.
 *
 * A map has the rank of its value. Its extent on an axis is that of the value where channels differ along it, else 1: the map of an image
 * `[N,C,H,W]` is `[1,C,1,1]`. Its elements are channel numbers, or `NONE` for what belongs to no channel that is followed. Beside each
 * channel stands what its elements are once all that makes the channel is zero ("at rest"): a convolution's channel rests at 0, behind a
 * Sigmoid it rests at 0.5, and NaN says that the elements differ or are not known.
 *
 * @module
 */

import { type Shape, sizeOf } from "../graph.ts";

/** Stands for "no channel" among channel numbers. */
export const NONE = -1;

/** Channels of the elements of a value; see the module. */
export interface ChannelMap {
  /** On each axis the value's extent, or 1 where all elements along it belong to the same channel. */
  readonly extents: Shape;
  /** Channel numbers, row-major. */
  readonly ids: Int32Array;
  /** What the elements are at rest, row-major. */
  readonly rest: Float64Array;
}

/** Channels along one axis, each with its value at rest. */
export interface ChannelList {
  readonly ids: Int32Array;
  readonly rest: Float64Array;
}

/** The map of a value without channels. */
export function untracked(rank: number): ChannelMap {
  return {
    extents: new Array<number>(rank).fill(1),
    ids: new Int32Array(1).fill(NONE),
    rest: new Float64Array(1).fill(NaN),
  };
}

/** The map of channels along one axis, at rest at the given number or numbers. */
export function alongAxis(rank: number, axis: number, ids: Int32Array, rest: number | Float64Array): ChannelMap {
  const extents = new Array<number>(rank).fill(1);
  extents[axis] = ids.length;
  return { extents, ids, rest: typeof rest === "number" ? new Float64Array(ids.length).fill(rest) : rest };
}

/** Axes along which channels differ. */
export function channelAxes({ extents }: ChannelMap): number[] {
  return extents.flatMap((extent, axis) => extent > 1 ? [axis] : []);
}

/** The channels of `extent` elements along an axis; undefined where channels differ along another one. */
export function channelsAlong(map: ChannelMap, axis: number, extent: number): ChannelList | undefined {
  if (channelAxes(map).some((other) => other !== axis)) return undefined;
  if (map.ids.length === extent) return map;
  return { ids: new Int32Array(extent).fill(map.ids[0]), rest: new Float64Array(extent).fill(map.rest[0]) };
}

/** Makes a map whose element at each index is the given map's at the position that the steps lead to. */
function gathered(map: ChannelMap, extents: Shape, steps: readonly number[], start = 0): ChannelMap {
  const size = sizeOf(extents);
  const ids = new Int32Array(size), rest = new Float64Array(size);
  const index = new Array<number>(extents.length).fill(0);
  let from = start;
  for (let to = 0; to < size; to++) {
    ids[to] = map.ids[from];
    rest[to] = map.rest[from];
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < extents[axis]) break;
      from -= steps[axis] * extents[axis];
      index[axis] = 0;
    }
  }
  return { extents, ids, rest };
}

/** Elements between neighbours along each axis. */
export function stepsOf(extents: Shape): number[] {
  const steps = new Array<number>(extents.length);
  let step = 1;
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    steps[axis] = step;
    step *= extents[axis];
  }
  return steps;
}

/** The map repeated to the given extents along axes where its own is 1. */
export function expanded(map: ChannelMap, extents: Shape): ChannelMap {
  if (extents.every((extent, axis) => extent === map.extents[axis])) return map;
  return gathered(map, extents, stepsOf(map.extents).map((step, axis) => map.extents[axis] === 1 ? 0 : step));
}

/** The map with leading axes of extent 1, up to a rank. */
export function aligned(map: ChannelMap, rank: number): ChannelMap {
  return { ...map, extents: leadingOnes(map.extents, rank) };
}

/** A shape with leading axes of extent 1, up to a rank. */
export function leadingOnes(shape: Shape, rank: number): Shape {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/** The map with its axes in another order. */
export function permuted(map: ChannelMap, perm: readonly number[]): ChannelMap {
  const steps = stepsOf(map.extents);
  return gathered(map, perm.map((axis) => map.extents[axis]), perm.map((axis) => steps[axis]));
}

/** `count` elements along an axis from a start on, every `step`; the map itself where its channels do not differ along the axis. */
export function taken(map: ChannelMap, axis: number, start: number, count: number, step = 1): ChannelMap {
  if (map.extents[axis] === 1) return map;
  const steps = stepsOf(map.extents);
  const extents = map.extents.map((extent, at) => at === axis ? count : extent);
  return gathered(map, extents, steps.map((size, at) => at === axis ? size * step : size), start * steps[axis]);
}

/** Maps joined along an axis; each must have its full extent there, and their other extents must be the same. */
export function joined(maps: readonly ChannelMap[], axis: number): ChannelMap {
  const total = maps.reduce((sum, { extents }) => sum + extents[axis], 0);
  const extents = maps[0].extents.map((extent, at) => at === axis ? total : extent);
  const ids = new Int32Array(sizeOf(extents)), rest = new Float64Array(ids.length);
  const outer = sizeOf(extents.slice(0, axis));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const map of maps) {
      const length = map.ids.length / outer;
      ids.set(map.ids.subarray(row * length, (row + 1) * length), at);
      rest.set(map.rest.subarray(row * length, (row + 1) * length), at);
      at += length;
    }
  }
  return { extents, ids, rest };
}

/** The map with the same elements under other extents. */
export function reshaped(map: ChannelMap, extents: Shape): ChannelMap {
  return { ...map, extents };
}

/** The map without the axes along which no two elements differ by `same` and value at rest: their extent becomes 1. */
export function compressed(map: ChannelMap, same: (a: number, b: number) => boolean): ChannelMap {
  let result = map;
  for (const axis of channelAxes(map)) {
    const step = stepsOf(result.extents)[axis], extent = result.extents[axis];
    const { ids, rest } = result;
    const isConstant = ids.every((id, at) => {
      const first = at - step * (Math.floor(at / step) % extent);
      return same(id, ids[first]) && Object.is(rest[at], rest[first]);
    });
    if (isConstant) result = { ...taken(result, axis, 0, 1) };
  }
  return result;
}
