/**
 * Built models as exporters write them.
 *
 * @module
 */

import { foldBatchNormalization } from "../../src/passes/fold_batch_normalization.ts";
import type { Graph, Node } from "../../src/graph/mod.ts";

/** The same graph with other names for its constants. */
export function renamed(graph: Graph, rename: (name: string) => string): Graph {
  const nodes = graph.nodes.map((node): Node => ({
    ...node,
    inputs: node.inputs.map((name) => graph.constants.has(name) ? rename(name) : name),
  }));
  return { ...graph, nodes, constants: new Map([...graph.constants].map(([name, data]) => [rename(name), data])) };
}

/** The graph as exports have it: BatchNormalization folded, weights under the names of their modules. */
export function exported(graph: Graph): Graph {
  return renamed(
    foldBatchNormalization(graph),
    (name) => name.replace(/\.bn\/folded_(weight|bias)$/, ".conv.$1"),
  );
}
