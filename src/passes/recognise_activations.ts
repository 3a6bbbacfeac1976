/**
 * Recognises activation functions that exporters spell in several nodes, by the gates of their rows: x * Sigmoid(x) is Silu, x *
 * HardSigmoid(x) with slope 1/6 and offset 1/2 is HardSwish; others by `gate_product.ts`. And makes nodes of activations that are attributes of other nodes.
 *
 * @module
 */

import { GraphEditor } from "../graph/editor.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import type { ActivationAttributes, Node } from "../graph/operators.ts";
import { gateProduct } from "./gate_product.ts";
import { type ActivationOperator, type GateStep, UNARY_OPERATORS, unaryRow } from "../graph/unary.ts";

/** True for a node that computes a part of a gate; numbers have passed through float32. */
function isStep(node: Node, { op, attributes = {} }: GateStep): boolean {
  const own = node.attributes as Readonly<Record<string, number>>;
  return node.op === op && Object.entries(attributes).every(([name, wanted]) => Math.abs(own[name] - wanted) < 1e-6);
}

/** Replaces each such spelling by one node. A gate stays as it is if another reader reads one of its values. */
export function recogniseActivations(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  /** True where the value is the gate of x: its steps, the last one first. */
  const isGate = (value: string, x: string, gate: readonly GateStep[]): boolean => {
    const from = gate.toReversed().reduce<string | undefined>((made, step) => {
      const maker = made === undefined || !index.soleReader(made) ? undefined : index.producerOf(made);
      return maker && isStep(maker, step) ? maker.inputs[0] : undefined;
    }, value);
    return from === x;
  };
  for (const node of graph.nodes) {
    const product = gateProduct(index, node);
    if (product) {
      const { op, x } = product;
      editor.replace(node, [{ op, name: node.name, inputs: [x], outputs: node.outputs, attributes: {} }]);
      continue;
    }
    if (node.op !== "Mul") continue;
    for (const [value, x] of [[node.inputs[1], node.inputs[0]], [node.inputs[0], node.inputs[1]]]) {
      const found = UNARY_OPERATORS.find((op) => {
        const { gate } = unaryRow(op);
        return gate !== undefined && isGate(value, x, gate);
      });
      if (!found) continue;
      const { attributes } = unaryRow(found);
      editor.replace(node, [{ op: found, name: node.name, inputs: [x], outputs: node.outputs, attributes } as Node]);
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
