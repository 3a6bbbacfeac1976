/**
 * When values live: from the node that writes them to the last that reads them, or anything that shares their memory.
 *
 * @module
 */

import { FeatherdetError, type Graph, sizeOf, type TensorType } from "../graph/mod.ts";
import { type BorderLayouts, converted } from "./convert.ts";
import type { Interval } from "./memory.ts";
import type { LayoutKind, PlanNode } from "./node.ts";
import type { ViewTable } from "./views.ts";

/** First and last node of a value. */
export interface Life {
  readonly first: number;
  readonly last: number;
}

/** Nodes at which each value is written first and read last. */
export function lifetimes(
  nodes: readonly PlanNode[],
  graph: Graph,
  options: BorderLayouts,
): Map<string, { first: number; last: number }> {
  const lives = new Map<string, { first: number; last: number }>();
  const touch = (value: string, at: number) => {
    const life = lives.get(value);
    if (life === undefined) lives.set(value, { first: at, last: at });
    else [life.first, life.last] = [Math.min(life.first, at), Math.max(life.last, at)];
  };
  for (const { name } of graph.inputs) touch(name, -1);
  nodes.forEach((node, at) => [...node.inputs, ...node.outputs].forEach((value) => touch(value, at)));
  for (const output of graph.outputs) {
    const kind = options.blockedOutputs?.includes(output) ? "blocked" : "plain";
    touch(lives.has(converted(output, kind)) ? converted(output, kind) : output, nodes.length);
  }
  return lives;
}

/** Orders plan nodes so that every value is made before it is read, keeping the graph's order otherwise. */
export function orderNodes(nodes: readonly PlanNode[], graph: Graph): PlanNode[] {
  const madeAt = new Map(graph.nodes.flatMap(({ outputs }, i) => outputs.map((name) => [name, i] as const)));
  const place = (node: PlanNode) => Math.max(...node.outputs.map((name) => madeAt.get(name) ?? 0));
  const ready = new Set(graph.inputs.map(({ name }) => name));
  const waiting = [...nodes].sort((a, b) => place(a) - place(b));
  const result: PlanNode[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex((node) => node.inputs.every((value) => ready.has(value)));
    if (next < 0) {
      throw new FeatherdetError(`"${waiting[0].name}" reads a value that nothing makes`, { file: graph.name });
    }
    const [node] = waiting.splice(next, 1);
    for (const value of node.outputs) ready.add(value);
    result.push(node);
  }
  return result;
}

/** Lives of the tensors that hold data of their own, at their logical size: joint tensors count as their parts. */
export function leafIntervals(
  lives: ReadonlyMap<string, { first: number; last: number }>,
  views: ViewTable,
  aliases: ReadonlyMap<string, string>,
  types: ReadonlyMap<string, TensorType>,
  kinds: ReadonlyMap<string, LayoutKind>,
  scalarBytes: (value: string) => number,
): Interval[] {
  const ends = new Map<string, { root: string; start: number; end: number; first: number; last: number }[]>();
  for (const [value, life] of lives) {
    const blocked = kinds.get(value) === "blocked";
    const { root, block } = blocked ? views.resolve(value) : { root: aliases.get(value) ?? value, block: 0 };
    const size = sizeOf(types.get(value)!.shape);
    const channels = blocked ? types.get(value)!.shape[1] : size;
    if (!ends.has(root)) ends.set(root, []);
    ends.get(root)!.push({ root, start: block * 4, end: block * 4 + channels, ...life });
  }
  const intervals: Interval[] = [];
  for (const [root, members] of ends) {
    const { shape } = types.get(root)!;
    const blocked = kinds.get(root) === "blocked";
    const perChannel = blocked ? sizeOf(shape) / shape[1] * scalarBytes(root) : 4;
    const cuts = [...new Set(members.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i++) {
      const users = members.filter(({ start, end }) => start <= cuts[i] && end >= cuts[i + 1]);
      if (users.length === 0) continue;
      intervals.push({
        name: `${root}:${cuts[i]}`,
        size: (cuts[i + 1] - cuts[i]) * perChannel,
        first: Math.min(...users.map(({ first }) => first)),
        last: Math.max(...users.map(({ last }) => last)),
      });
    }
  }
  return intervals;
}
