/**
 * Recognises activation functions that exporters spell in several nodes: x * Sigmoid(x) is Silu, x * HardSigmoid(x) with slope
 * 1/6 and offset 1/2 is HardSwish. And makes nodes of activations that are attributes of other nodes.
 *
 * @module
 */

import { GraphEditor } from "../graph/editor.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import type { ActivationAttributes, ActivationOperator, Node } from "../graph/operators.ts";

function recognised(mul: Node, gate: Node | undefined, x: string): Node | undefined {
  if (gate?.inputs[0] !== x) return undefined;
  const base = { name: mul.name, inputs: [x], outputs: mul.outputs, attributes: {} };
  if (gate.op === "Sigmoid") return { op: "Silu", ...base };
  const hard = gate.op === "HardSigmoid" && Math.abs(gate.attributes.alpha - 1 / 6) < 1e-6 &&
    gate.attributes.beta === 0.5;
  return hard ? { op: "HardSwish", ...base } : undefined;
}

/** The graph with such pairs as one node each; a gate that has other readers too is left alone. */
export function recogniseActivations(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    if (node.op !== "Mul") continue;
    for (const [gateValue, x] of [[node.inputs[1], node.inputs[0]], [node.inputs[0], node.inputs[1]]]) {
      const found = recognised(node, index.producerOf(gateValue), x);
      if (!found || !index.soleReader(gateValue)) continue;
      editor.replace(node, [found]);
      break;
    }
  }
  // The gates have lost their readers; they go with what is not needed.
  return editor.finish();
}

/** The node that computes an activation which is an attribute of another node. */
export function activationNode(
  { activation, ...attributes }: ActivationAttributes,
  name: string,
  input: string,
  output: string,
): Node<ActivationOperator> {
  // The compiler does not see that an activation's name and attributes stay together.
  return { op: activation, name, inputs: [input], outputs: [output], attributes } as Node<ActivationOperator>;
}
