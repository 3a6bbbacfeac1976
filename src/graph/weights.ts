/**
 * Which inputs of an operator are its weights: what parameter counts, pruning and quantization mean by the word.
 *
 * @module
 */

import type { Graph } from "./graph.ts";
import type { Node, OperatorTable } from "./operators.ts";
import { eachUnary } from "./unary.ts";
import { weightSource } from "./weight_source.ts";
import { eachPair } from "./pairs.ts";

/** Input positions that hold weights when a constant feeds them. */
export interface WeightInputs {
  /** Learned by gradients. */
  readonly trained: readonly number[];
  /** Stored with the model but not learned by gradients (running statistics, zero points). */
  readonly statistics: readonly number[];
}

const NONE: WeightInputs = { trained: [], statistics: [] };
const WEIGHT_AND_BIAS: WeightInputs = { trained: [1, 2], statistics: [] };

/**
 * The weight inputs of every operator. Constants anywhere else (anchors, scales, grids) are tables, not weights; so is a bias
 * that an exporter spelt as MatMul and Add.
 */
export const WEIGHT_INPUTS: OperatorTable<WeightInputs> = {
  Conv: WEIGHT_AND_BIAS,
  ConvTranspose: WEIGHT_AND_BIAS,
  BatchNormalization: { trained: [1, 2], statistics: [3, 4] },
  ...eachUnary(() => NONE),
  Add: NONE,
  Sub: NONE,
  Mul: NONE,
  Div: NONE,
  ...eachPair(() => NONE),
  MaxPool: NONE,
  AveragePool: NONE,
  GlobalAveragePool: NONE,
  ReduceMean: NONE,
  ReduceSum: NONE,
  ReduceMax: NONE,
  Gemm: { trained: [0, 1, 2], statistics: [] },
  MatMul: { trained: [0, 1], statistics: [] },
  Softmax: NONE,
  Concat: NONE,
  Split: NONE,
  Slice: NONE,
  Reshape: NONE,
  Transpose: NONE,
  TopK: NONE,
  GatherElements: NONE,
  Resize: NONE,
  Pad: NONE,
  QuantizeLinear: NONE,
  DequantizeLinear: NONE,
  DynamicQuantizeLinear: NONE,
  ConvInteger: { trained: [1], statistics: [3] },
  MatMulInteger: { trained: [0, 1], statistics: [2, 3] },
  Cast: NONE,
  UnpackWeights: NONE,
  ConvWeightGradient: NONE,
  BatchNormTraining: { trained: [1, 2], statistics: [3, 4] },
  BatchNormGradient: NONE,
  BatchNormApply: NONE,
  ActivationGradient: NONE,
  MaxPoolGradient: NONE,
  ReduceMaxGradient: NONE,
  ResizeGradient: NONE,
  SoftmaxGradient: NONE,
  DetectionLoss: NONE,
  AnchorLoss: NONE,
  FakeQuantize: NONE,
  FakeQuantizeWeights: { trained: [0], statistics: [] },
  NoisyQuantize: NONE,
};

/**
 * Names of the constants that are weights of the node, each once. Of quantized weights these are the whole numbers; their scales
 * and zero points are statistics, but for zero points of i32, which are 0 by definition. Of packed weights these are the codes.
 */
export function weightsOf(graph: Graph, node: Node): { trained: string[]; statistics: string[] } {
  const positions = WEIGHT_INPUTS[node.op];
  const sources = (at: readonly number[]) => at.flatMap((position) => weightSource(graph, node.inputs[position]) ?? []);
  const trained = sources(positions.trained);
  const scaling = trained.flatMap(({ dequantize, unpack }) => {
    if (unpack) return [unpack.node.inputs[1]];
    const [, scale, zeroPoint] = dequantize?.node.inputs ?? [];
    return !dequantize ? [] : dequantize.zeroPoint.dtype === "i32" ? [scale] : [scale, zeroPoint];
  });
  const statistics = [...sources(positions.statistics).map(({ name }) => name), ...scaling];
  return { trained: [...new Set(trained.map(({ name }) => name))], statistics: [...new Set(statistics)] };
}
