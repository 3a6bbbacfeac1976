/**
 * Channels that are really gone: a smaller graph, with every constant sliced and every attribute that counts channels adapted.
 *
 * @module
 */

import type { CouplingGroup } from "../graph/channels/mod.ts";
import { type Constant, FeatherdetError, type Graph, GraphIndex, type Node, verify } from "../graph/mod.ts";
import { constantSlices, type Slices, valueSlices, withoutSlices } from "./channel_slices.ts";

/** What is left of a graph's values. */
class Remains {
  constructor(
    readonly index: GraphIndex,
    readonly removed: Slices,
    readonly constants: ReadonlyMap<string, Constant>,
  ) {}

  /** Extents of a value without the channels that are removed. */
  shapeOf(value: string): number[] {
    return this.index.shapeOf(value).map((extent, axis) => extent - (this.removed.get(value)?.get(axis)?.size ?? 0));
  }

  /** How many of the elements before an index along an axis are left. */
  before(value: string, axis: number, index: number): number {
    const removed = this.removed.get(value)?.get(axis) ?? [];
    return index - [...removed].filter((other) => other < index).length;
  }
}

/** The node with what counts channels among its attributes adapted. */
function adapted(node: Node, remains: Remains): Node {
  const [x] = node.inputs, [output] = node.outputs;
  switch (node.op) {
    case "Conv":
    case "ConvTranspose": {
      const weight = remains.constants.get(node.inputs[1]);
      if (!weight) return node;
      const channels = remains.shapeOf(node.op === "Conv" ? x : output)[1];
      const groups = channels / weight.shape[1];
      // The union's members differ only in attributes that are passed on.
      return { ...node, attributes: { ...node.attributes, groups } } as Node;
    }
    case "Split": {
      const { axis } = node.attributes;
      const sizes = node.outputs.map((name) => remains.shapeOf(name)[axis]);
      return { ...node, attributes: { ...node.attributes, sizes } };
    }
    case "Slice": {
      const { axes, steps } = node.attributes;
      const left = remains.shapeOf(output);
      const isChanged = axes.map((axis) => remains.removed.get(x)?.has(axis) ?? false);
      const starts = node.attributes.starts.map((start, i) => isChanged[i] ? remains.before(x, axes[i], start) : start);
      const ends = node.attributes.ends.map((end, i) => isChanged[i] ? starts[i] + left[axes[i]] : end);
      return { ...node, attributes: { axes, steps, starts, ends } };
    }
    case "Reshape":
      return { ...node, attributes: { shape: remains.shapeOf(output) } };
    default:
      return node;
  }
}

/** Throws where a value would have no channel left, or where channels would go that have to stay. */
function check(groups: readonly CouplingGroup[], remains: Remains): void {
  for (const { kept: [reason] } of groups) {
    if (reason === undefined) continue;
    const { node, operator, why } = reason;
    throw new FeatherdetError(`channels cannot be removed because the node ${why}`, { node, operator });
  }
  for (const value of remains.removed.keys()) {
    if (!remains.shapeOf(value).includes(0)) continue;
    const { name, op } = remains.index.producerOf(value)!;
    throw new FeatherdetError(`no channel of "${value}" would be left`, { node: name, operator: op });
  }
}

/**
 * The graph without the channels of the given coupling groups (of this graph, from `couplingGroups`). It computes what the graph does
 * with the groups' `zeroed` slices set to zero. Names of nodes, values and constants stay.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { couplingGroups } from "../graph/channels/mod.ts";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { removeChannels } from "./remove_channels.ts";
 * const graph = yolo11({ scale: "n", size: 64 });
 * const { groups } = couplingGroups(graph);
 * const smaller = removeChannels(graph, groups.slice(0, 4));
 * assert.deepEqual(smaller.constants.get("model.0.conv.weight")!.shape, [12, 3, 3, 3]);
 * ```
 *
 * Throws FeatherdetError, with node and operator, for groups that have to stay, for groups of another graph, and where a value would
 * have no channel left.
 */
export function removeChannels(graph: Graph, groups: readonly CouplingGroup[]): Graph {
  if (groups.length === 0) return graph;
  const constants = new Map(graph.constants);
  const removed = constantSlices(graph, groups);
  const remains = new Remains(GraphIndex.of(graph), valueSlices(groups), constants);
  check(groups, remains);
  for (const [name, axes] of removed) {
    for (const [axis, indices] of axes) constants.set(name, withoutSlices(constants.get(name)!, axis, indices));
  }
  const smaller: Graph = { ...graph, nodes: graph.nodes.map((node) => adapted(node, remains)), constants };
  verify(smaller);
  return smaller;
}
