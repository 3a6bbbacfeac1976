/**
 * Recognises activation functions that exporters spell in several nodes: x * Sigmoid(x) is Silu, x * HardSigmoid(x) with slope
 * 1/6 and offset 1/2 is HardSwish. And makes nodes of activations that are attributes of other nodes.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import type { ActivationAttributes, ActivationOperator, Node } from "../graph/operators.ts";
import { consumers, producers, withNodes } from "../graph/rewrite.ts";

function recognised(mul: Node, gate: Node | undefined, x: string): Node | undefined {
  if (gate?.inputs[0] !== x) return undefined;
  const base = { name: mul.name, inputs: [x], outputs: mul.outputs, attributes: {} };
  if (gate.op === "Sigmoid") return { op: "Silu", ...base };
  const hard = gate.op === "HardSigmoid" && Math.abs(gate.attributes.alpha - 1 / 6) < 1e-6 &&
    gate.attributes.beta === 0.5;
  return hard ? { op: "HardSwish", ...base } : undefined;
}

/** Replaces each such pair by one node. A gate that has other readers stays as it is. */
export function recogniseActivations(graph: Graph): Graph {
  const makers = producers(graph), readers = consumers(graph);
  const nodes = graph.nodes.map((node): Node => {
    if (node.op !== "Mul") return node;
    for (const [gateValue, x] of [[node.inputs[1], node.inputs[0]], [node.inputs[0], node.inputs[1]]]) {
      const found = recognised(node, makers.get(gateValue), x);
      if (found && readers.get(gateValue)!.length === 1 && !graph.outputs.includes(gateValue)) return found;
    }
    return node;
  });
  // The gates have lost their readers; `withNodes` drops them.
  return withNodes(graph, nodes);
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
