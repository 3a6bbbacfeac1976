/**
 * Parameters, bytes, multiply-accumulates, FLOPs, bit operations and sparsity of a graph, layer by layer.
 *
 * What is counted:
 * - **parameters**: constants that feed a weight or bias input of Conv, ConvTranspose, BatchNormalization (scale and bias),
 *   Gemm and MatMul, also by way of a DequantizeLinear or UnpackWeights, and of the integer products. Running statistics, scales and baked tables
 *   (anchors, strides, grids) are not parameters.
 * - **bytes**: stored bytes of those parameters, of their scales and zero points and of the running statistics, in their element type.
 * - **macs**: products summed by Conv, ConvTranspose, Gemm, MatMul and their integer forms. Biases and all other operators count
 *   nothing.
 * - **flops**: 2 x macs of the layers that have a weight. This is what Ultralytics publishes for its fused models: its
 *   counter hooks modules, so a product of two activations (attention) has macs here but no flops. They are dense: weights that
 *   are 0 count like others.
 * - **bitOperations**: macs, each times the bits of one factor times the bits of the other: 1024 in f32, 64 with both in eight bits
 *   (behind a DequantizeLinear, too), 64 with weights of two.
 *   This is the count of van Baalen et al. 2020 ("Bayesian Bits"). Dense, too.
 * - **zeros**, **sparsity** and **nonzeroFlops**: apart from these, and only when asked for. Kernels of ours skip whole
 *   blocks of zeros only (`src/kernels/conv_sparse.ts`), so that they say what could be saved, not what is.
 *
 * @module
 */

import { type BitWidths, ELEMENT_BYTES, isConvolution, statedBits, typeBits } from "./analyze_bits.ts";
import type { Analysis, Cost, LayerCost, SparseAnalysis } from "./analyze_cost.ts";
import { factorsOf, withSparsity } from "./analyze_sparsity.ts";
import { type Graph, type Shape, sizeOf } from "./graph.ts";
import { inferTypes } from "./infer.ts";
import { dispatch, type Node, type OperatorFunctions } from "./operators.ts";
import { eachUnary } from "./unary.ts";
import { storedType, weightSize, weightSource } from "./weight_source.ts";
import { weightsOf } from "./weights.ts";
import { eachPair } from "./pairs.ts";

/** What to count, and how. */
export interface AnalyzeOptions {
  /**
   * Whether to count zeros too, which reads every weight; a built model draws its random weights then. Default false: no constant's data
   * is read.
   */
  readonly zeros?: boolean;
  /**
   * Called for each node that multiplies, for the bits of its weights and activations. If it returns nothing, the operands' element types
   * decide. In a product of two activations both have the activations' bits.
   */
  readonly bits?: (node: Node) => BitWidths | undefined;
  /** Bits of f32 operands for which `bits` returns nothing: 16 if they are stored in f16. Default 32. */
  readonly floatBits?: number;
}

const none = () => 0;

/** Each operator's multiply-accumulates from the shapes of its inputs and of its first output. */
const MACS: OperatorFunctions<[inputs: readonly Shape[], output: Shape], number> = {
  Conv: (_, [, weight], output) => sizeOf(output) * sizeOf(weight.slice(1)),
  ConvTranspose: (_, [x, weight]) => sizeOf(x) * sizeOf(weight.slice(1)),
  BatchNormalization: none,
  ...eachUnary(() => none),
  Add: none,
  Sub: none,
  Mul: none,
  Div: none,
  ...eachPair(() => none),
  MaxPool: none,
  AveragePool: none,
  GlobalAveragePool: none,
  ReduceMean: none,
  ReduceSum: none,
  ReduceMax: none,
  Gemm: (node, [a], output) => sizeOf(output) * a[node.attributes.transposeA ? 0 : 1],
  MatMul: (_, [a], output) => sizeOf(output) * a[a.length - 1],
  Softmax: none,
  Concat: none,
  Split: none,
  Slice: none,
  Reshape: none,
  Transpose: none,
  TopK: none,
  GatherElements: none,
  Resize: none,
  Pad: none,
  QuantizeLinear: none,
  DequantizeLinear: none,
  DynamicQuantizeLinear: none,
  ConvInteger: (_, [, weight], output) => sizeOf(output) * sizeOf(weight.slice(1)),
  MatMulInteger: (_, [a], output) => sizeOf(output) * a[a.length - 1],
  Cast: none,
  UnpackWeights: none,
  ConvWeightGradient: (_, [, dy], output) => sizeOf(dy) * sizeOf(output.slice(1)),
  BatchNormTraining: none,
  BatchNormGradient: none,
  BatchNormApply: none,
  ActivationGradient: none,
  MaxPoolGradient: none,
  ReduceMaxGradient: none,
  ResizeGradient: none,
  SoftmaxGradient: none,
  DetectionLoss: none,
  AnchorLoss: none,
  FakeQuantize: none,
  FakeQuantizeWeights: none,
  NoisyQuantize: none,
};

/** Multiply-accumulates of one node, from the shapes of its inputs and of its first output. */
export function macsOf(node: Node, inputs: readonly Shape[], output: Shape): number {
  return dispatch(MACS, node, inputs, output);
}

/** Whether a node's products involve a weight: convolutions always, matrix products if an operand is a constant. */
function hasWeight(graph: Graph, node: Node): boolean {
  return isConvolution(node) || factorsOf(graph, node).length > 0;
}

/**
 * Counts a graph at its input shapes, and its zeros. A weight that several nodes share counts at the first of them. Throws
 * FeatherdetError if shapes do not fit, and for bit widths that are no positive numbers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { analyze } from "./analyze.ts";
 * const graph = demoDetector({ size: 320 });
 * const { flops, nonzeroFlops, sparsity } = analyze(graph, { zeros: true });
 * assert.ok(sparsity > 0 && nonzeroFlops < flops);
 * const { macs, bitOperations } = analyze(graph, { bits: () => ({ weights: 4, activations: 8 }) });
 * assert.equal(bitOperations / macs, 4 * 8);
 * ```
 */
export function analyze(graph: Graph, options: AnalyzeOptions & { readonly zeros: true }): SparseAnalysis;
/** Counts a graph at its input shapes without reading the values of its weights. Throws as above. */
export function analyze(graph: Graph, options?: AnalyzeOptions): Analysis;
export function analyze(graph: Graph, options: AnalyzeOptions = {}): Analysis | SparseAnalysis {
  const { zeros = false, bits, floatBits } = options;
  const types = inferTypes(graph);
  const shapeOf = (name: string) => types.get(name)!.shape;
  const bitsOf = (node: Node) => {
    const stated = bits?.(node);
    return stated
      ? statedBits(graph, node, stated)
      : typeBits(node.inputs.map((name) => storedType(graph, name, types)), floatBits);
  };
  const counted = new Set<string>();
  let weightLayers = 0;
  const layers = graph.nodes.map((node): LayerCost => {
    const outputShape = shapeOf(node.outputs[0]);
    const macs = macsOf(node, node.inputs.map(shapeOf), outputShape);
    const { trained, statistics } = weightsOf(graph, node);
    const sources = node.inputs.map((name) => weightSource(graph, name));
    // Rounded weights are those of the layer that reads them.
    if (trained.length > 0 && node.op !== "FakeQuantizeWeights") weightLayers++;
    let parameters = 0, bytes = 0;
    for (const name of [...trained, ...statistics]) {
      if (counted.has(name)) continue;
      counted.add(name);
      const { shape, dtype } = graph.constants.get(name)!;
      if (trained.includes(name)) parameters += weightSize(sources.find((source) => source?.name === name)!);
      bytes += sizeOf(shape) * ELEMENT_BYTES[dtype];
    }
    const flops = hasWeight(graph, node) ? 2 * macs : 0;
    const bitOperations = macs > 0 ? macs * bitsOf(node) : 0;
    return { name: node.name, op: node.op, outputShape, parameters, bytes, macs, flops, bitOperations };
  });
  const total = (field: keyof Cost) => layers.reduce((sum, layer) => sum + layer[field], 0);
  const analysis = {
    parameters: total("parameters"),
    bytes: total("bytes"),
    macs: total("macs"),
    flops: total("flops"),
    bitOperations: total("bitOperations"),
    weightLayers,
    layers,
  };
  return zeros ? withSparsity(graph, analysis) : analysis;
}
