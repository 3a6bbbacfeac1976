/**
 * Cuts a graph at values into graphs that are run one after the other, each perhaps elsewhere.
 *
 * @module
 */

import { CUT_FROM } from "./find_detection_head.ts";
import { FeatherdetError, type Graph, GraphIndex, type GraphInput, type Node } from "../graph/mod.ts";

/** The values that nodes read and that are neither constants nor their own. */
function readFromOutside(index: GraphIndex, nodes: readonly Node[]): string[] {
  const own = new Set(nodes.flatMap(({ outputs }) => outputs));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  return [...read].filter((name) => name !== "" && !own.has(name) && !index.isConstant(name));
}

/** Nodes that have to be run for the values, those that are taken already left out. */
function nodesFor(index: GraphIndex, values: readonly string[], taken: ReadonlySet<Node>): Set<Node> {
  const needed = new Set<Node>();
  const open = [...values];
  while (open.length > 0) {
    const node = index.producerOf(open.pop()!);
    if (node === undefined || taken.has(node) || needed.has(node)) continue;
    needed.add(node);
    open.push(...node.inputs);
  }
  return needed;
}

/**
 * Cuts a graph: the first part makes the values of the first cut, the next those of the next cut that are not made yet, the last one what is
 * left. A part's inputs are all values that it reads of parts before it and of the graph; its outputs are all that parts behind it
 * read, whether a cut names them or not, and outputs of the graph. So a cut may go across branches.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { cutGraph } from "./cut_graph.ts";
 * const graph = demoDetector({ size: 64 });
 * const middle = graph.nodes[4].outputs[0];
 * const [head, rest] = cutGraph(graph, [[middle]]);
 * assert.ok(head.outputs.includes(middle) && rest.inputs.some(({ name }) => name === middle));
 * assert.deepEqual(rest.outputs, graph.outputs);
 * ```
 *
 * Throws FeatherdetError for values that no node makes, for a cut that leaves a part without nodes, and where a value that goes over a cut
 * does not consist of floats.
 */
export function cutGraph(graph: Graph, cuts: readonly (readonly string[])[]): Graph[] {
  const index = GraphIndex.of(graph);
  const taken = new Set<Node>();
  const parts = [...cuts, graph.outputs].map((values, at) => {
    const odd = values.find((value) => index.producerOf(value) === undefined);
    if (odd !== undefined && at < cuts.length) {
      throw new FeatherdetError(`the graph cannot be cut at "${odd}": no node makes it`, { file: graph.name });
    }
    const needed = nodesFor(index, values, taken);
    for (const node of needed) taken.add(node);
    if (needed.size > 0) return graph.nodes.filter((node) => needed.has(node));
    throw new FeatherdetError(`cut ${at + 1} of ${cuts.length} leaves nothing to compute for part ${at + 1}`, {
      file: graph.name,
    });
  });
  return parts.map((nodes, at) => {
    const behind = new Set(parts.slice(at + 1).flatMap((later) => readFromOutside(index, later)));
    const made = nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== "");
    const outputs = at === parts.length - 1
      ? graph.outputs.filter((name) => made.includes(name))
      : made.filter((name) => behind.has(name) || index.isOutput(name));
    const inputs = readFromOutside(index, nodes).map((name): GraphInput => {
      const given = graph.inputs.find((input) => input.name === name);
      if (given !== undefined) return given;
      const { dtype, shape } = index.typeOf(name);
      if (dtype === "f32") return { name, dtype, shape };
      throw new FeatherdetError(`the graph cannot be cut at "${name}": it is ${dtype}, only floats go over a cut`, {
        file: graph.name,
      });
    });
    const read = new Set(nodes.flatMap((node) => node.inputs));
    const constants = new Map([...graph.constants].filter(([name]) => read.has(name)));
    const metadata = { [CUT_FROM]: String(graph.inputs[0]?.shape ?? []), ...graph.metadata };
    return { ...graph, inputs, outputs, nodes, constants, metadata };
  });
}
