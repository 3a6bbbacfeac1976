/**
 * Which axis becomes shorter where a Reshape has split channels over several: found from what follows, until the axes are merged again.
 *
 * Attention works along the inner axis (it splits it into queries, keys and values, and sums over it): there whole heads go. A channel
 * shuffle only swaps the axes: there the same place of every part goes.
 *
 * @module
 */

import type { Node } from "../operators.ts";
import { isUnary } from "../unary.ts";
import { axisBlocks } from "./axis_blocks.ts";
import type { ChannelTracker } from "./tracker.ts";

/** The axis at which each of a value's axes began, where it is one of those that are followed. */
type Origins = readonly (number | undefined)[];

/** What a node does to the axes that are followed: those that it needs whole, and its outputs' axes where they go on. */
interface Step {
  readonly needed: readonly (number | undefined)[];
  readonly next?: Origins;
}

/** Axes of a value of another rank, aligned at the end as NumPy does. */
function broadcastTo(origins: Origins, rank: number): Origins {
  return Array.from({ length: rank }, (_, axis) => origins[axis - rank + origins.length]);
}

function step(channels: ChannelTracker, node: Node, origins: Origins): Step {
  const rank = channels.shapeOf(node.outputs[0]).length;
  if (isUnary(node.op)) return { needed: [], next: origins };
  switch (node.op) {
    case "FakeQuantize":
      return { needed: [], next: origins };
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return { needed: [], next: broadcastTo(origins, rank) };
    case "Transpose":
      return { needed: [], next: node.attributes.perm.map((axis) => origins[axis]) };
    case "Split":
    case "Concat":
    case "Softmax":
      return { needed: [origins[node.attributes.axis]], next: origins };
    case "Slice":
      return { needed: node.attributes.axes.map((axis) => origins[axis]), next: origins };
    case "ReduceMean":
    case "ReduceSum":
    case "ReduceMax": {
      const { axes, keepDims } = node.attributes;
      return {
        needed: axes.map((axis) => origins[axis]),
        next: keepDims
          ? origins.map((origin, axis) => axes.includes(axis) ? undefined : origin)
          : origins.filter((_, axis) => !axes.includes(axis)),
      };
    }
    case "MatMul":
      return {
        needed: origins.slice(-2),
        next: broadcastTo([...origins.slice(0, -2), undefined, undefined], rank),
      };
    case "Reshape":
      return reshaped(channels, node, origins);
    case "Conv":
    case "ConvTranspose":
    case "MaxPool":
    case "AveragePool":
    case "GlobalAveragePool":
    case "Resize":
    case "BatchNormalization":
      return { needed: origins.slice(2) };
    default:
      return { needed: origins };
  }
}

/** Axes that are followed and merged with each other end here; one that is merged with others lives on in the axis that they make. */
function reshaped(channels: ChannelTracker, node: Node<"Reshape">, origins: Origins): Step {
  const from = channels.shapeOf(node.inputs[0]), to = node.attributes.shape;
  const next = new Array<number | undefined>(to.length).fill(undefined);
  const needed: (number | undefined)[] = [];
  for (const block of axisBlocks(from, to)) {
    const outside = block.to.filter((axis) => to[axis] > 1);
    const followed = block.from.filter((axis) => from[axis] > 1 && origins[axis] !== undefined);
    if (followed.length !== 1) continue;
    if (outside.length === 1) next[outside[0]] = origins[followed[0]];
    else needed.push(origins[followed[0]]);
  }
  return { needed, next };
}

/** Which axis becomes shorter, and who needs the others whole. */
export interface AxisChoice {
  /** Undefined where all are needed. */
  readonly axis: number | undefined;
  /** The nodes that need axes whole, in the order of a walk from the Reshape. */
  readonly needing: readonly Node[];
}

/**
 * The one of the axes of a Reshape's output that becomes shorter when channels go: the last one where what follows needs none of them
 * whole, else the first that it does not need.
 */
export function axisThatGoes(channels: ChannelTracker, value: string, axes: readonly number[]): AxisChoice {
  const needed = new Set<number>(), needing = new Set<Node>();
  const rank = channels.shapeOf(value).length;
  const first: Origins = Array.from({ length: rank }, (_, axis) => axes.includes(axis) ? axis : undefined);
  const waiting: [string, Origins][] = [[value, first]];
  const seen = new Set<string>();
  for (let item = waiting.shift(); item; item = waiting.shift()) {
    const [name, origins] = item;
    if (seen.has(name) || origins.every((origin) => origin === undefined)) continue;
    seen.add(name);
    for (const reader of channels.readers.get(name) ?? []) {
      const { needed: more, next } = step(channels, reader, origins);
      for (const axis of more) {
        if (axis === undefined) continue;
        needed.add(axis);
        needing.add(reader);
      }
      if (next) { for (const output of reader.outputs) waiting.push([output, next]); }
    }
  }
  const free = axes.filter((axis) => !needed.has(axis));
  return { axis: free.length === axes.length ? free.at(-1) : free[0], needing: [...needing] };
}
