/**
 * What makes a graph of a list of nodes: order, clean-up, and names that are not taken. Whoever changes nodes does so in a `GraphEditor`.
 *
 * @module
 */

import { FeatherdetError } from "./error.ts";
import type { Constant, Graph } from "./graph.ts";
import type { Node } from "./operators.ts";

/**
 * The nodes in topological order. Nodes that already are in order keep theirs, so that a pass moves no more than it must.
 * Throws FeatherdetError for a value that is made twice and for a cycle.
 */
export function sortTopologically(nodes: readonly Node[]): Node[] {
  const makers = new Map<string, Node>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (makers.has(name)) {
        throw new FeatherdetError(`makes "${name}", which "${makers.get(name)!.name}" makes too`, {
          node: node.name,
          operator: node.op,
        });
      }
      makers.set(name, node);
    }
  }
  const sorted: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  for (const root of nodes) {
    // A stack instead of recursion: graphs may be deeper than the call stack.
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (state.get(node) === "done") {
        stack.pop();
        continue;
      }
      state.set(node, "open");
      const pending = node.inputs.map((name) => makers.get(name)).find((maker) =>
        maker !== undefined && state.get(maker) !== "done"
      );
      if (pending === undefined) {
        state.set(node, "done");
        sorted.push(node);
        stack.pop();
      } else if (state.get(pending) === "open") {
        throw new FeatherdetError(`depends on its own output by way of "${pending.name}"`, {
          node: node.name,
          operator: node.op,
        });
      } else {
        stack.push(pending);
      }
    }
  }
  return sorted;
}

/**
 * The graph with other nodes, sorted, without nodes whose outputs nobody reads and without constants that nobody reads.
 * `constants` replaces the graph's constants; to add to them pass `new Map([...graph.constants, ...added])`. Inputs stay, read or not.
 */
export function withNodes(
  graph: Graph,
  nodes: readonly Node[],
  constants: ReadonlyMap<string, Constant> = graph.constants,
): Graph {
  const needed = new Set<string>(graph.outputs);
  const kept: Node[] = [];
  for (const node of sortTopologically(nodes).reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) needed.add(name);
  }
  const used = [...constants].filter(([name]) => needed.has(name));
  return { ...graph, nodes: kept.reverse(), constants: new Map(used) };
}

/** Every name of a graph: values and nodes. */
export function namesOf(graph: Graph): Set<string> {
  const names = new Set([...graph.inputs.map(({ name }) => name), ...graph.constants.keys()]);
  for (const node of graph.nodes) {
    names.add(node.name);
    for (const name of node.outputs) names.add(name);
  }
  return names;
}

/** Of a set of names: per base the first number that may be free. Counting from 2 each time would make many equal bases quadratic. */
const COUNTS = new WeakMap<Set<string>, Map<string, number>>();

/** A name that is not taken yet, `base` or `base_2`, `base_3` ...; it stays free. No name may be deleted from `taken` afterwards. */
export function freeName(taken: Set<string>, base: string): string {
  if (!taken.has(base)) return base;
  const counts = COUNTS.get(taken) ?? new Map<string, number>();
  COUNTS.set(taken, counts);
  let count = counts.get(base) ?? 2;
  while (taken.has(`${base}_${count}`)) count++;
  counts.set(base, count);
  return `${base}_${count}`;
}

/** As `freeName`, and the name is added to `taken`. */
export function uniqueName(taken: Set<string>, base: string): string {
  const name = freeName(taken, base);
  taken.add(name);
  return name;
}
