/**
 * Composites: groups of graph nodes that one special kernel replaces.
 *
 * @module
 */

import type { Node } from "../../graph/mod.ts";
import type { PlanNode, TypedGraph } from "../node.ts";
import { findAttention } from "./attention.ts";
import { findYoloOutput } from "./yolo_output.ts";

/** A plan node and the graph nodes that it stands for. */
export interface Composite {
  readonly node: PlanNode;
  readonly nodes: readonly Node[];
}

/** Every finder, in the order they are tried; a graph node belongs to at most one composite. */
export const COMPOSITES: readonly ((typed: TypedGraph) => Composite[])[] = [findAttention, findYoloOutput];
