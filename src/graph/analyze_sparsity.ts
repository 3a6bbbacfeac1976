/**
 * Zeros among the weights of convolutions and matrix products.
 *
 * @module
 */

import type { Analysis, SparseAnalysis, Sparsity } from "./analyze_cost.ts";
import { type Graph, sizeOf } from "./graph.ts";
import type { Node } from "./operators.ts";
import { weightsOf } from "./weights.ts";

/** Names of the constants that a convolution or matrix product multiplies by; biases are not among them. */
export function factorsOf(graph: Graph, node: Node): string[] {
  if (node.op !== "Conv" && node.op !== "ConvTranspose" && node.op !== "Gemm" && node.op !== "MatMul") return [];
  const operands = node.inputs.slice(0, 2);
  return weightsOf(graph, node).trained.filter((name) => operands.includes(name));
}

const share = (zeros: number, elements: number) => elements > 0 ? zeros / elements : 0;

/**
 * Adds the zeros to an analysis of the graph. Reads every weight's data, once; like parameters, a weight shared by several nodes is
 * counted at the first.
 */
export function withSparsity(graph: Graph, analysis: Analysis): SparseAnalysis {
  const known = new Map<string, number>();
  const zerosOf = (name: string) => {
    let zeros = known.get(name);
    if (zeros === undefined) {
      zeros = 0;
      for (const value of graph.constants.get(name)!.data) if (value === 0) zeros++;
      known.set(name, zeros);
    }
    return zeros;
  };
  const elementsIn = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + sizeOf(graph.constants.get(name)!.shape), 0);
  const zerosIn = (names: readonly string[]) => names.reduce((sum, name) => sum + zerosOf(name), 0);

  const layers = analysis.layers.map((layer, i) => {
    const factors = factorsOf(graph, graph.nodes[i]);
    const fresh = factors.filter((name) => !known.has(name));
    // Every element of a weight takes part in equally many products.
    const sparsity = share(zerosIn(factors), elementsIn(factors));
    const nonzeroFlops = layer.flops * (1 - sparsity);
    return { ...layer, weightElements: elementsIn(fresh), zeros: zerosIn(fresh), sparsity, nonzeroFlops };
  });
  const total = (field: keyof Sparsity) => layers.reduce((sum, layer) => sum + layer[field], 0);
  const [weightElements, zeros] = [total("weightElements"), total("zeros")];
  const sparsity = share(zeros, weightElements);
  return { ...analysis, weightElements, zeros, sparsity, nonzeroFlops: total("nonzeroFlops"), layers };
}
