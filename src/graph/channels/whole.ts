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
import { isPair } from "../pairs.ts";

/** An axis of the Reshape's output that is followed. */
interface Origin {
  readonly axis: number;
  /** Merged with axes that are not: who cuts the axis that they make only cuts channels. */
  readonly isMerged: boolean;
}

/** What each of a value's axes was, where it is one of those that are followed. */
type Origins = readonly (Origin | undefined)[];

/** How much a node is against an axis becoming shorter: it cuts or joins it, it sums over it, it cannot do without any part of it. */
enum Against {
  Nothing,
  Cuts,
  Sums,
  NeedsAll,
}

/** What a node does to the axes that are followed. */
interface Step {
  /** Those that it is against becoming shorter. */
  readonly held?: Origins;
  /** How much. */
  readonly against?: Against;
  /** Its outputs' axes, where they go on. */
  readonly next?: Origins;
}

/** Axes of a value of another rank, aligned at the end as NumPy does. */
function broadcastTo(origins: Origins, rank: number): Origins {
  return Array.from({ length: rank }, (_, axis) => origins[axis - rank + origins.length]);
}

function step(channels: ChannelTracker, node: Node, origins: Origins): Step {
  const rank = channels.shapeOf(node.outputs[0]).length;
  if (isUnary(node.op)) return { next: origins };
  if (isPair(node.op)) return { next: broadcastTo(origins, rank) };
  switch (node.op) {
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return { next: broadcastTo(origins, rank) };
    case "Transpose":
      return { next: node.attributes.perm.map((axis) => origins[axis]) };
    case "Split":
    case "Concat":
      return { held: [origins[node.attributes.axis]], against: Against.Cuts, next: origins };
    case "Slice":
      return { held: node.attributes.axes.map((axis) => origins[axis]), against: Against.Cuts, next: origins };
    case "Softmax":
      return { held: [origins[node.attributes.axis]], against: Against.NeedsAll, next: origins };
    case "ReduceMean":
    case "ReduceSum":
    case "ReduceMax": {
      const { axes, keepDims } = node.attributes;
      const left = origins.map((origin, axis) => axes.includes(axis) ? undefined : origin);
      return {
        held: axes.map((axis) => origins[axis]),
        against: node.op === "ReduceSum" ? Against.Sums : Against.NeedsAll,
        next: keepDims ? left : left.filter((_, axis) => !axes.includes(axis)),
      };
    }
    case "MatMul":
      return {
        held: origins.slice(-2),
        against: Against.Sums,
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
      // Images have their channels at axis 1; the others are height and width.
      return { held: origins.slice(2), against: Against.NeedsAll };
    default:
      return { held: origins, against: Against.NeedsAll };
  }
}

/** Axes that are followed and merged with each other end here; one that is merged with others lives on in the axis that they make. */
function reshaped(channels: ChannelTracker, node: Node<"Reshape">, origins: Origins): Step {
  const from = channels.shapeOf(node.inputs[0]), to = node.attributes.shape;
  const next = new Array<Origin | undefined>(to.length).fill(undefined);
  const held: (Origin | undefined)[] = [];
  for (const block of axisBlocks(from, to)) {
    const outside = block.to.filter((axis) => to[axis] > 1);
    const inside = block.from.filter((axis) => from[axis] > 1);
    const [origin, another] = inside.flatMap((axis) => origins[axis] ?? []);
    if (origin === undefined || another !== undefined) continue;
    if (outside.length === 1) next[outside[0]] = { ...origin, isMerged: origin.isMerged || inside.length > 1 };
    else held.push(origin);
  }
  return { held, against: Against.NeedsAll, next };
}

/** Which axis becomes shorter, and who is against the others. */
export interface AxisChoice {
  /** Undefined where all are needed. */
  readonly axis: number | undefined;
  /** The nodes that cannot do without a part of an axis, in the order of a walk from the Reshape. */
  readonly needing: readonly Node[];
}

/**
 * The one of the axes of a Reshape's output that becomes shorter when channels go: the last one where nothing that follows is against
 * any of them, else the first of those that least is against.
 */
export function axisThatGoes(channels: ChannelTracker, value: string, axes: readonly number[]): AxisChoice {
  const against = new Map<number, Against>(axes.map((axis) => [axis, Against.Nothing]));
  const needing = new Set<Node>();
  const rank = channels.shapeOf(value).length;
  const first: Origins = Array.from(
    { length: rank },
    (_, axis) => axes.includes(axis) ? { axis, isMerged: false } : undefined,
  );
  const waiting: [string, Origins][] = [[value, first]];
  const seen = new Set<string>();
  for (let item = waiting.shift(); item; item = waiting.shift()) {
    const [name, origins] = item;
    if (seen.has(name) || origins.every((origin) => origin === undefined)) continue;
    seen.add(name);
    for (const reader of channels.index.readersOf(name)) {
      const { held = [], against: how = Against.Nothing, next } = step(channels, reader, origins);
      for (const origin of held) {
        if (origin === undefined || origin.isMerged && how !== Against.NeedsAll) continue;
        against.set(origin.axis, Math.max(against.get(origin.axis)!, how));
        if (how === Against.NeedsAll) needing.add(reader);
      }
      if (next) { for (const output of reader.outputs) waiting.push([output, next]); }
    }
  }
  const least = Math.min(...against.values());
  const best = axes.filter((axis) => against.get(axis) === least);
  const isFree = least === Against.Nothing && best.length === axes.length;
  return { axis: least === Against.NeedsAll ? undefined : isFree ? best.at(-1) : best[0], needing: [...needing] };
}
