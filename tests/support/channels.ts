/**
 * Coupling groups put to the test: a graph without them against the same graph with their channels zeroed, in float64.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { CouplingGroup, Graph } from "../../src/graph/mod.ts";
import { removeChannels } from "../../src/passes/remove_channels.ts";
import { zeroChannels } from "../../src/passes/zero_channels.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor, seededRandom } from "./random.ts";

/** What two graphs may differ by, in parts of the greatest number. */
const TOLERANCE = 1e-12;

/** Outputs of a graph on seeded noise, one behind the other. */
export function outputsOf(graph: Graph, seed = 1): number[] {
  const inputs = graph.inputs.map(({ name, shape }, index) =>
    [name, referenceTensor(shape, randomTensor(shape, seed + index))] as const
  );
  return [...runReference(graph, Object.fromEntries(inputs)).values()].flatMap(({ data }) => [...data]);
}

/** Greatest difference of two lists, in parts of the greatest number of both (or of 1). */
export function difference(a: readonly number[], b: readonly number[]): number {
  assert(a.length === b.length, `${a.length} numbers and ${b.length}`);
  let most = 0, scale = 1;
  a.forEach((x, index) => {
    const apart = Math.abs(x - b[index]);
    most = Number.isNaN(apart) ? Infinity : Math.max(most, apart);
    scale = Math.max(scale, Math.abs(x), Math.abs(b[index]));
  });
  return most / scale;
}

/** Fails unless the graph without the groups computes what it does with their channels zeroed; returns what that is. */
export function checkRemoval(graph: Graph, groups: readonly CouplingGroup[], what: string): number[] {
  const removed = outputsOf(removeChannels(graph, groups));
  const apart = difference(removed, outputsOf(zeroChannels(graph, groups)));
  assert(apart <= TOLERANCE, `${what}: removed and zeroed differ by ${apart}`);
  return removed;
}

/** Fails unless what a graph computes is something else without the groups. */
export function checkChanges(graph: Graph, groups: readonly CouplingGroup[], what: string): void {
  const removed = checkRemoval(graph, groups, what);
  assert(difference(removed, outputsOf(graph)) > 1e-9, `${what}: removing ${groups.length} groups changes nothing`);
}

/** About that share of the groups, drawn at random, but never all channels of a value. */
export function sampleGroups(groups: readonly CouplingGroup[], share: number, seed: number): CouplingGroup[] {
  const random = seededRandom(seed);
  const left = new Map<string, number>();
  return groups.filter(({ values }) => {
    const rest = values.map(({ value, extent, indices }) => (left.get(value) ?? extent) - indices.length);
    if (random() >= share || rest.some((count) => count < 1)) return false;
    values.forEach(({ value }, index) => left.set(value, rest[index]));
    return true;
  });
}

/** The slices of a group: `constant/axis` -> indices. */
export function slicesOf({ members }: CouplingGroup): Record<string, readonly number[]> {
  return Object.fromEntries(members.map(({ constant, axis, indices }) => [`${constant}/${axis}`, indices]));
}
