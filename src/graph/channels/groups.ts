/**
 * Coupling groups: the channels of a graph that can only be removed together, with all that belongs to them.
 *
 * @module
 */

import { type Graph, sizeOf } from "../graph.ts";
import { dispatch, type Node, type Operator } from "../operators.ts";
import { channelAxes, type ChannelMap, NONE, stepsOf } from "./map.ts";
import { CHANNELS } from "./table.ts";
import { type ChannelRole, ChannelTracker, type KeptReason } from "./tracker.ts";

/** Slices of a constant that belong to a coupling group, as one node reads them. */
export interface ChannelMember {
  /** Name of the node. */
  readonly node: string;
  /** Its operator. */
  readonly operator: Operator;
  /** Position of the constant among the node's inputs. */
  readonly input: number;
  /** Name of the constant. */
  readonly constant: string;
  /** Axis of the constant along which the slices lie. */
  readonly axis: number;
  /** Extent of the constant on that axis. */
  readonly extent: number;
  /** The slices, ascending. */
  readonly indices: readonly number[];
  /** What the constant does to the channels. */
  readonly role: ChannelRole;
  /** True where the slices have to be zero for the channels to be zero. */
  readonly zeroed: boolean;
}

/** Elements of a value that belong to a coupling group. */
export interface CarriedChannels {
  /** Name of the value. */
  readonly value: string;
  /** Axis along which they lie. */
  readonly axis: number;
  /** Extent of the value on that axis. */
  readonly extent: number;
  /** Their indices, ascending. */
  readonly indices: readonly number[];
}

/**
 * Channels that can only be removed together. Once all `zeroed` slices are zero every other slice can be anything, for nothing of the
 * group reaches an output: so the graph without the slices of all members computes the same.
 */
export interface CouplingGroup {
  /** Slices of constants, in the order of the nodes. */
  readonly members: readonly ChannelMember[];
  /** Where the channels lie in the values that nodes make, in the order of the nodes. */
  readonly values: readonly CarriedChannels[];
  /** Why the channels stay; empty for those that can be removed. */
  readonly kept: readonly KeptReason[];
}

/** The coupling groups of a graph, each kind in the order in which the nodes make them. */
export interface CouplingGroups {
  /** Those that can be removed. */
  readonly groups: readonly CouplingGroup[];
  /** Those that stay, with reasons. */
  readonly kept: readonly CouplingGroup[];
}

/** The channels of all values of a graph. */
function trackChannels(graph: Graph): ChannelTracker {
  const channels = new ChannelTracker(graph);
  for (const node of graph.nodes) dispatch(CHANNELS, node, channels);
  return channels;
}

/** Channels that leave the graph stay. */
function keepOutputs(graph: Graph, channels: ChannelTracker): void {
  for (const name of graph.outputs) {
    const maker = channels.index.producerOf(name);
    if (maker) channels.keep(channels.mapOf(name).ids, maker, `makes the output "${name}" of it`);
  }
}

/** Channels stay whose slices of a constant another node needs, or divides by where others make it zero. */
function keepShared(graph: Graph, channels: ChannelTracker): void {
  for (const { constant, axis, ids, uses } of channels.slots.values()) {
    for (const reader of channels.index.readersOf(constant)) {
      for (const [input, name] of reader.inputs.entries()) {
        if (name !== constant || uses.some((use) => use.node === reader && use.input === input)) continue;
        channels.keep(ids, reader, `needs all of the constant "${constant}" along axis ${axis}`);
      }
    }
    const divides = uses.find(({ node, input }) => node.op === "Div" && input === 1);
    if (divides && uses.some(({ zeroed }) => zeroed)) {
      channels.keep(ids, divides.node, `divides by the constant "${constant}", which would be zero`);
    }
    const maker = uses[0].node;
    if (graph.outputs.includes(constant)) channels.keep(ids, maker, `reads the output "${constant}"`);
  }
}

/** Positions of each set of channels in a map, as indices along the one axis of which they fill slices. */
function slicesOf(
  map: ChannelMap,
  find: (id: number) => number,
): Map<number, { axis: number; indices: number[] } | undefined> {
  const axes = channelAxes(map);
  const found = new Map<number, { axis: number; indices: number[] } | undefined>();
  if (axes.length <= 1) {
    const lists = new Map<number, number[]>();
    map.ids.forEach((id, index) => {
      if (id === NONE) return;
      const root = find(id), list = lists.get(root);
      if (list) list.push(index);
      else lists.set(root, [index]);
    });
    for (const [root, indices] of lists) found.set(root, { axis: axes[0] ?? -1, indices });
    return found;
  }
  const steps = stepsOf(map.extents), size = sizeOf(map.extents);
  const counts = new Map<number, { total: number; along: Set<number>[] }>();
  map.ids.forEach((id, at) => {
    if (id === NONE) return;
    const root = find(id);
    let seen = counts.get(root);
    if (!seen) counts.set(root, seen = { total: 0, along: axes.map(() => new Set()) });
    seen.total++;
    axes.forEach((axis, index) => seen.along[index].add(Math.floor(at / steps[axis]) % map.extents[axis]));
  });
  for (const [root, { total, along }] of counts) {
    const index = axes.findIndex((axis, index) => along[index].size * (size / map.extents[axis]) === total);
    const indices = index < 0 ? [] : [...along[index]].sort((a, b) => a - b);
    found.set(root, index < 0 ? undefined : { axis: axes[index], indices });
  }
  return found;
}

/**
 * Where each set of channels lies in the values. Sets that are no slices of a value are kept, and so are those that fill one, which is
 * said only where nothing else keeps them.
 */
function carry(channels: ChannelTracker): Map<number, CarriedChannels[]> {
  const carried = new Map<number, CarriedChannels[]>();
  const filling = new Map<number, Node>();
  for (const [value, map] of channels.maps) {
    const shape = channels.shapeOf(value), node = channels.index.producerOf(value)!;
    for (const [root, slices] of slicesOf(map, (id) => channels.find(id))) {
      if (slices === undefined) {
        channels.keep([root], node, "does not have it as slices along one axis");
        continue;
      }
      const { axis, indices } = slices;
      if (axis < 0 || indices.length === shape[axis]) {
        if (!filling.has(root)) filling.set(root, node);
        continue;
      }
      const list = carried.get(root), entry = { value, axis, extent: shape[axis], indices };
      if (list) list.push(entry);
      else carried.set(root, [entry]);
    }
  }
  const known = new Set(channels.kept.map(({ id }) => channels.find(id)));
  for (const [root, node] of filling) {
    if (!known.has(root)) channels.keep([root], node, "would have no channel left without it");
  }
  return carried;
}

/** Slices of constants by set of channels, in the order of the nodes. */
function membersOf(graph: Graph, channels: ChannelTracker): Map<number, ChannelMember[]> {
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  const members = new Map<number, ChannelMember[]>();
  const all = [...channels.slots.values()].flatMap((slot) => slot.uses.map((use) => ({ ...slot, ...use })))
    .sort((a, b) => order.get(a.node)! - order.get(b.node)! || a.input - b.input || a.axis - b.axis);
  for (const { constant, axis, ids, node, input, role, zeroed } of all) {
    const lists = new Map<number, number[]>();
    ids.forEach((id, index) => {
      if (id === NONE) return;
      const root = channels.find(id), list = lists.get(root);
      if (list) list.push(index);
      else lists.set(root, [index]);
    });
    for (const [root, indices] of lists) {
      const member = {
        node: node.name,
        operator: node.op,
        input,
        constant,
        axis,
        extent: ids.length,
        indices,
        role,
        zeroed,
      };
      const list = members.get(root);
      if (list) list.push(member);
      else members.set(root, [member]);
    }
  }
  return members;
}

function unique(reasons: readonly KeptReason[]): KeptReason[] {
  return [...new Map(reasons.map((reason) => [`${reason.node}\n${reason.why}`, reason])).values()];
}

// Graphs are never changed in place.
const FOUND = new WeakMap<Graph, CouplingGroups>();

/**
 * The coupling groups of a graph, by what its nodes compute alone. Throws FeatherdetError if the graph's shapes do not fit.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { ModelBuilder } from "../../models/builder.ts";
 * import { couplingGroups } from "./groups.ts";
 * const b = new ModelBuilder();
 * let x = b.convBlock("stem", b.input("images", [1, 3, 16, 16]), { out: 8, kernel: 3 });
 * x = b.conv("head", x, { out: 2 });
 * const { groups, kept } = couplingGroups(b.graph("tiny", [x]));
 * assert.equal(groups.length, 8); // a channel of the stem each
 * assert.deepEqual(groups[0].members.slice(0, 2).map(({ constant }) => constant), ["stem.conv.weight", "stem.bn.weight"]);
 * assert.equal(kept.length, 2);
 * assert.equal(kept[0].kept[0].why, 'makes the output "head" of it');
 * ```
 */
export function couplingGroups(graph: Graph): CouplingGroups {
  const known = FOUND.get(graph);
  if (known) return known;
  const channels = trackChannels(graph);
  keepOutputs(graph, channels);
  keepShared(graph, channels);
  const carried = carry(channels);
  const members = membersOf(graph, channels);
  const reasons = new Map<number, KeptReason[]>();
  for (const { id, reason } of channels.kept) {
    const root = channels.find(id), list = reasons.get(root);
    if (list) list.push(reason);
    else reasons.set(root, [reason]);
  }
  const groups: CouplingGroup[] = [], kept: CouplingGroup[] = [];
  for (let id = 0; id < channels.count; id++) {
    if (channels.find(id) !== id) continue;
    const why = unique(reasons.get(id) ?? []);
    const group = { members: members.get(id) ?? [], values: carried.get(id) ?? [], kept: why };
    (why.length === 0 ? groups : kept).push(group);
  }
  const result = { groups, kept };
  FOUND.set(graph, result);
  return result;
}
