/**
 * Composites: groups of graph nodes that one special kernel replaces.
 *
 * @module
 */

import type { GraphIndex, Node } from "../../graph/mod.ts";
import type { Target } from "../../kernels/target.ts";
import type { PlanNode } from "../node.ts";
import { findAttention } from "./attention.ts";
import { findByteTables } from "./int8/tables.ts";
import { findPoolChains } from "./pool_chain.ts";
import { findSimam } from "./simam.ts";
import { findChannelStatistics, findSpatialGates } from "./spatial_attention.ts";
import { findSqueezeExcite } from "./squeeze_excite.ts";
import { findYoloOutput } from "./yolo_output.ts";

/** A plan node and the graph nodes that it stands for. */
export interface Composite {
  readonly node: PlanNode;
  readonly nodes: readonly Node[];
}

/** Every finder, in the order they are tried; a graph node belongs to at most one composite. */
const FINDERS: readonly ((index: GraphIndex, target: Target) => Composite[])[] = [
  findAttention,
  findSqueezeExcite,
  findChannelStatistics,
  findSpatialGates,
  findSimam,
  findPoolChains,
  findYoloOutput,
  findByteTables,
];

/** The composites of a graph: groups of which nobody outside reads a value that the special kernel does not make. */
export function findComposites(index: GraphIndex, target: Target): Composite[] {
  const claimed = new Set<Node>();
  return FINDERS.flatMap((find) => find(index, target)).filter(({ node, nodes }) => {
    const group = new Set(nodes);
    const inner = nodes.flatMap(({ outputs }) => outputs).filter((value) => !node.outputs.includes(value));
    const isNeeded = (value: string) =>
      index.isOutput(value) || index.readersOf(value).some((reader) => !group.has(reader));
    if (inner.some(isNeeded) || nodes.some((one) => claimed.has(one))) return false;
    for (const one of nodes) claimed.add(one);
    return true;
  });
}
