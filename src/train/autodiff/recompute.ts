/**
 * Activations that are computed again on the way back instead of kept: what follows from kept values by cheap operators is dropped after
 * the forward pass (Chen et al. 2016, "Training deep nets with sublinear memory cost", https://arxiv.org/abs/1604.06174). What convolutions
 * and other products give stays, since they are what a step's time goes into.
 *
 * @module
 */

import { type Graph, namesOf, type Node, traitOf, uniqueName, withNodes } from "../../graph/mod.ts";

/** Nodes that the values are computed from. */
function ancestors(graph: Graph, values: readonly string[]): Set<Node> {
  const needed = new Set(values), found = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    found.add(node);
    for (const name of node.inputs) needed.add(name);
  }
  return found;
}

/** What computes a node's first output again; of a normalisation, from the statistics that it found. */
function again(node: Node): Omit<Node, "name"> {
  if (node.op !== "BatchNormTraining") return node;
  const [x, scale, bias] = node.inputs, [y, mean, inverse] = node.outputs;
  const { activation } = node.attributes;
  return {
    op: "BatchNormApply",
    inputs: [x, scale, bias, mean, inverse],
    outputs: [y],
    attributes: activation ? { activation } : {},
  };
}

/** The cheap nodes of the forward pass whose values follow from what the backward pass reads anyway, by the values that they make. */
function recomputable(graph: Graph, forward: ReadonlySet<Node>): Map<string, Omit<Node, "name">> {
  const kept = new Set([...graph.inputs.map(({ name }) => name), ...graph.constants.keys(), ...graph.outputs]);
  for (const node of graph.nodes) {
    if (!forward.has(node)) node.inputs.forEach((name) => kept.add(name));
  }
  const found = new Map<string, Omit<Node, "name">>();
  for (const node of graph.nodes) {
    if (!forward.has(node) || !traitOf(node, "cheap")) continue;
    const made = again(node);
    if (made.outputs.some((name) => graph.outputs.includes(name))) continue;
    if (made.inputs.every((name) => kept.has(name) || found.has(name))) {
      for (const name of made.outputs) found.set(name, made);
    }
  }
  return found;
}

/**
 * The graph of a training step (see `buildGradientGraph`, and `fuseNormActivationGradient` before this) whose backward nodes read cheap values
 * that are computed again just before the first of them, so that the planner may give away their memory in between.
 * `forward` are the values that are wanted besides gradients; what they are not computed from is the backward pass. All values
 * keep their names and what they hold.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { ModelBuilder } from "../../models/builder.ts";
 * import { buildGradientGraph } from "./gradient_graph.ts";
 * import { recomputeActivations } from "./recompute.ts";
 * const b = new ModelBuilder();
 * const hidden = b.activation("act", b.conv("first", b.input("x", [2, 3, 8, 8]), { out: 4, kernel: 3 }), "silu");
 * const y = b.conv("second", hidden, { out: 4, kernel: 3 });
 * const loss = b.node("ReduceMean", "loss", [b.node("Exp", "powers", [y], {})], { axes: [0, 1, 2, 3], keepDims: false });
 * const { graph } = buildGradientGraph(b.graph("net", [loss]), { losses: [loss], wrt: ["first.weight", "second.weight"] });
 * const step = recomputeActivations(graph, [loss]);
 * assert.equal(step.nodes.filter(({ op }) => op === "Silu").length, 2); // on the way forward and on the way back
 * ```
 */
export function recomputeActivations(graph: Graph, forward: readonly string[]): Graph {
  const before = ancestors(graph, forward);
  const sources = recomputable(graph, before);
  const taken = namesOf(graph);
  const nodes: Node[] = [];
  const renamed = new Map<string, string>();
  /** The name under which the backward pass reads a value. */
  const replayed = (value: string): string => {
    const source = sources.get(value);
    if (source && !renamed.has(value)) {
      const inputs = source.inputs.map(replayed);
      const name = uniqueName(taken, `recompute/${source.outputs[0]}`);
      for (const output of source.outputs) renamed.set(output, uniqueName(taken, `recomputed/${output}`));
      const outputs = source.outputs.map((output) => renamed.get(output)!);
      nodes.push({ ...source, name, inputs, outputs } as Node);
    }
    return renamed.get(value) ?? value;
  };
  for (const node of graph.nodes) {
    // What is computed again has to precede its reader in the list.
    const inputs = before.has(node) ? node.inputs : node.inputs.map(replayed);
    nodes.push({ ...node, inputs } as Node);
  }
  return withNodes(graph, nodes);
}
