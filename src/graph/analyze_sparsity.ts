/**
 * Zeros among the weights of convolutions and matrix products.
 *
 * @module
 */

import type { Analysis, SparseAnalysis, Sparsity } from "./analyze_cost.ts";
import { type Constant, type Graph, sizeOf } from "./graph.ts";
import type { Node } from "./operators.ts";
import { unpackWeights } from "./packed_weights.ts";
import { traitOf } from "./traits.ts";
import { weightSize, type WeightSource, weightSource } from "./weight_source.ts";
import { weightsOf } from "./weights.ts";

/** A constant that a convolution or matrix product multiplies by. */
interface Factor {
  readonly name: string;
  readonly constant: Constant;
  /** The numbers that stand for 0 if that is not 0 itself: one, or one for each index along an axis. */
  readonly zeroPoint?: Constant;
  /** Elements between neighbours along that axis. */
  readonly step: number;
  /** What the codes of packed weights stand for. */
  readonly unpack?: WeightSource["unpack"];
}

/** The constants that a convolution or matrix product multiplies by; biases are not among them. */
export function factorsOf(graph: Graph, node: Node): Factor[] {
  if (traitOf(node, "layer") === "no") return [];
  const isInteger = traitOf(node, "quantized");
  const { trained } = weightsOf(graph, node);
  const found = node.inputs.slice(0, 2).flatMap((input, index): Factor[] => {
    const source = weightSource(graph, input);
    if (!source || !trained.includes(source.name)) return [];
    const { name, constant, dequantize, unpack } = source;
    const lastAxis = node.op === "MatMulInteger" ? constant.shape.length - 1 : 0;
    const axis = dequantize?.node.attributes.axis ?? lastAxis;
    const zeroPoint = isInteger ? graph.constants.get(node.inputs[2 + index]) : dequantize?.zeroPoint;
    return [{ name, constant, zeroPoint, unpack, step: sizeOf(constant.shape.slice(axis + 1)) }];
  });
  return found.filter(({ name }, index) => found.findIndex((other) => other.name === name) === index);
}

function zerosOf({ constant: { data }, zeroPoint, step, unpack }: Factor): number {
  let zeros = 0;
  if (unpack) {
    for (const value of unpackWeights(unpack.node.attributes, data, unpack.scale.data)) if (value === 0) zeros++;
    return zeros;
  }
  if (!zeroPoint) {
    for (const value of data) if (value === 0) zeros++;
    return zeros;
  }
  const { data: points } = zeroPoint;
  for (let i = 0; i < data.length; i++) if (data[i] === points[Math.floor(i / step) % points.length]) zeros++;
  return zeros;
}

const share = (zeros: number, elements: number) => elements > 0 ? zeros / elements : 0;

/**
 * Adds the zeros to an analysis of the graph. Reads every weight's data, once; like parameters, a weight shared by several nodes is
 * counted at the first.
 */
export function withSparsity(graph: Graph, analysis: Analysis): SparseAnalysis {
  const known = new Map<string, number>();
  const elementsIn = (factors: readonly Factor[]) => factors.reduce((sum, factor) => sum + weightSize(factor), 0);
  const zerosIn = (factors: readonly Factor[]) =>
    factors.reduce((sum, factor) => {
      const zeros = known.get(factor.name) ?? zerosOf(factor);
      known.set(factor.name, zeros);
      return sum + zeros;
    }, 0);

  const layers = analysis.layers.map((layer, i) => {
    const factors = factorsOf(graph, graph.nodes[i]);
    const fresh = factors.filter(({ name }) => !known.has(name));
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
