/**
 * A graph for another batch.
 *
 * @module
 */

import type { Graph } from "../../graph/graph.ts";
import { changeShapes } from "./change.ts";

/**
 * The graph with inputs of another batch (axis 0); the graph itself where they have it already. Throws FeatherdetError as `changeShapes`.
 */
export function withBatch(graph: Graph, batch: number): Graph {
  if (graph.inputs.every(({ shape }) => shape[0] === batch)) return graph;
  return changeShapes(
    graph,
    Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, [batch, ...shape.slice(1)]])),
  );
}
