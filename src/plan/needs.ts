/**
 * Which nodes of a plan need which: what has to come before what, by the parts of memory that they read and write.
 *
 * @module
 */

import type { TensorType } from "../graph/mod.ts";
import type { PlanNode } from "./node.ts";
import type { ViewTable } from "./views.ts";

/** Where values lie in others. */
export interface ValuePlaces {
  readonly types: ReadonlyMap<string, TensorType>;
  readonly views: ViewTable;
  /** Plain values that lie where another does. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Parts of memory: those that two values have in common are what one may read of the other. */
export class Ranges {
  readonly #context: ValuePlaces;

  /** Of values in these places. */
  constructor(context: ValuePlaces) {
    this.#context = context;
  }

  /** The tensor that holds a value. */
  rootOf(value: string): string {
    const { views, aliases } = this.#context;
    return views.has(value) ? views.resolve(value).root : aliases.get(value) ?? value;
  }

  #range(value: string) {
    const { types, views } = this.#context;
    const { block } = views.resolve(value), channels = types.get(value)?.shape[1];
    return { first: block, end: channels === undefined ? Infinity : block + Math.ceil(channels / 4) };
  }

  /** True where two values have memory in common. */
  meet(a: string, b: string): boolean {
    const root = this.rootOf(a);
    if (root !== this.rootOf(b)) return false;
    if (!this.#context.views.has(a) && !this.#context.views.has(b)) return true;
    const [x, y] = [this.#range(a), this.#range(b)];
    return x.first < y.end && y.first < x.end;
  }
}

/** Numbers of the nodes that come before each node: those that write what it reads, or read or write what it writes over. */
export function needsOf(nodes: readonly PlanNode[], ranges: Ranges): Set<number>[] {
  const uses = new Map<string, { readonly value: string; readonly at: number; readonly writes: boolean }[]>();
  return nodes.map(({ inputs, outputs }, at) => {
    const own = [
      ...inputs.map((value) => ({ value, at, writes: false })),
      ...outputs.map((value) => ({ value, at, writes: true })),
    ];
    const needs = own.flatMap(({ value, writes }) => {
      const earlier = uses.get(ranges.rootOf(value)) ?? [];
      return earlier.filter((use) => (use.writes || writes) && ranges.meet(value, use.value)).map((use) => use.at);
    });
    for (const use of own) {
      const root = ranges.rootOf(use.value);
      uses.set(root, [...uses.get(root) ?? [], use]);
    }
    return new Set(needs);
  });
}

/** The longest way from each node to the end. Nodes of one height do not need each other. */
export function heightsOf(needs: readonly ReadonlySet<number>[]): number[] {
  const heights = needs.map(() => 0);
  for (let at = needs.length - 1; at >= 0; at--) {
    for (const other of needs[at]) heights[other] = Math.max(heights[other], heights[at] + 1);
  }
  return heights;
}

/** The numbers of nodes in an order in which all that a node needs comes before it; members of a group as one, where the last of them is. */
export function ordered(
  needs: readonly ReadonlySet<number>[],
  groups: readonly (readonly number[])[],
): number[][] | undefined {
  const grouped = new Map(groups.flatMap((group) => group.map((at) => [at, group] as const)));
  const units = [...new Set(needs.map((_, at) => grouped.get(at) ?? at))].map((unit) =>
    typeof unit === "number" ? [unit] : [...unit]
  ).sort((a, b) => Math.max(...a) - Math.max(...b));
  const done = new Set<number>(), result: number[][] = [];
  while (units.length > 0) {
    const next = units.findIndex((unit) => unit.every((at) => [...needs[at]].every((other) => done.has(other))));
    if (next < 0) return undefined;
    const [unit] = units.splice(next, 1);
    for (const at of unit) done.add(at);
    result.push(unit);
  }
  return result;
}
