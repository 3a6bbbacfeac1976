/** Coupling groups of networks of random topology: each group alone and many together, removed against zeroed. */

import { assert } from "@std/assert";
import { couplingGroups } from "../../src/graph/mod.ts";
import { checkRemoval, difference, outputsOf, sampleGroups } from "../support/channels.ts";
import { lively } from "../support/lively.ts";
import { randomTopology } from "../support/random_topology.ts";

const SEEDS = 50;

Deno.test(`channels: ${SEEDS} random topologies compute without any group what they do with it zeroed`, () => {
  const kinds = new Set<string>();
  let removable = 0, staying = 0, changes = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const graph = lively(randomTopology(seed), seed);
    for (const { op } of graph.nodes) kinds.add(op);
    const { groups, kept } = couplingGroups(graph);
    removable += groups.length;
    staying += kept.length;
    groups.forEach((group, index) => checkRemoval(graph, [group], `seed ${seed}, group ${index}`));
    const whole = outputsOf(graph);
    for (const share of [0.3, 0.8]) {
      const removed = checkRemoval(graph, sampleGroups(groups, share, seed), `seed ${seed}, ${share} of the groups`);
      if (difference(removed, whole) > 1e-9) changes++;
    }
  }
  // What the test would be worth nothing without: groups of both sorts, that matter, from all operators that are drawn.
  assert(removable > 8 * SEEDS, `${removable} groups can be removed`);
  assert(staying > 2 * SEEDS, `${staying} groups stay`);
  assert(changes > 1.5 * SEEDS, `${changes} of ${2 * SEEDS} samples change what is computed`);
  assert(kinds.size >= 24, `${kinds.size} operators: ${[...kinds].join(", ")}`);
});
