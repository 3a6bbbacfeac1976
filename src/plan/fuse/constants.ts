/**
 * Computes at planning time what depends on constants alone.
 *
 * @module
 */

import { type Graph, type Node, withNodes } from "../../graph/mod.ts";
import { evaluateNode, referenceTensor } from "../../reference/run.ts";

/** The graph with every node of constant inputs replaced by its result. */
export function foldConstants(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => constants.get(name));
    if (inputs.length === 0 || inputs.some((constant) => constant === undefined)) {
      nodes.push(node);
      continue;
    }
    const results = evaluateNode(node, inputs.map((constant) => referenceTensor(constant!.shape, constant!.data)));
    results.forEach(({ shape, data }, i) =>
      constants.set(node.outputs[i], { dtype: "f32", shape, data: Float32Array.from(data) })
    );
  }
  return nodes.length === graph.nodes.length ? graph : withNodes(graph, nodes, constants);
}
