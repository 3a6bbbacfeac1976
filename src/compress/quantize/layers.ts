/**
 * The layers of a graph: a convolution or matrix product with what is computed in one go with it, its activation and residual sum.
 *
 * @module
 */

import type { GraphIndex, Node, Operator } from "../../graph/mod.ts";
import { QUANTIZATION_RULES } from "./rules.ts";

/** Operators that are layers. */
export type LayerOperator = "Conv" | "ConvTranspose" | "Gemm" | "MatMul";

/** A layer. */
export interface Layer {
  /** The convolution or product. */
  readonly node: Node<LayerOperator>;
  /** All nodes, in order: the layer's own, then perhaps an activation, a sum with an earlier value, an activation of the sum. */
  readonly nodes: readonly Node[];
  /** What it computes, such as `Conv+Silu+Add`. */
  readonly operator: string;
  /** The value that it makes. */
  readonly output: string;
  /** Values that it reads besides constants: its input, or both factors, and what is added. */
  readonly inputs: readonly string[];
}

function isLayer(node: Node): node is Node<LayerOperator> {
  return QUANTIZATION_RULES[node.op] === "layer";
}

/** Operators of which a layer has at most one. */
const isActivation = ({ op }: { op: Operator }) => QUANTIZATION_RULES[op] === "activation";

/** The layers, in order. What follows belongs to a layer where nobody else reads the value in between. */
export function layersOf(index: GraphIndex): Layer[] {
  const taken = new Set<Node>();
  return index.graph.nodes.filter(isLayer).map((node) => {
    const nodes: Node[] = [node];
    const output = () => nodes.at(-1)!.outputs[0];
    /** Takes what follows, where nobody else reads the output so far. */
    const take = (isWanted: (next: Node) => boolean): boolean => {
      const next = index.soleReader(output());
      if (next === undefined || taken.has(next) || !isWanted(next)) return false;
      nodes.push(next);
      taken.add(next);
      return true;
    };
    const isResidual = (add: Node): boolean => {
      const other = add.inputs[0] === output() ? add.inputs[1] : add.inputs[0];
      if (add.op !== "Add" || index.isConstant(other) || node.inputs.includes(other)) return false;
      return String(index.shapeOf(other)) === String(index.shapeOf(output()));
    };
    const isActivated = take(isActivation);
    if (node.op === "Conv" && take(isResidual) && !isActivated) take(isActivation);
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const inputs = nodes.flatMap(({ inputs }) => inputs).filter((name) => !index.isConstant(name) && !made.has(name));
    return { node, nodes, operator: nodes.map(({ op }) => op).join("+"), output: output(), inputs };
  });
}
