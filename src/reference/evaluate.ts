/**
 * The naive evaluation of every operator.
 *
 * @module
 */

import { inferNode } from "../graph/infer.ts";
import { dispatch, type Node, type OperatorFunctions } from "../graph/operators.ts";
import { eachUnary } from "../graph/unary.ts";
import { concat, gatherElements, pad, reshape, slice, split, topK, transpose } from "./arrange.ts";
import { gemm, globalAveragePool, matMul, reduceMax, reduceMean, reduceSum } from "./contract.ts";
import { batchNormalization, binary, softmax, unary } from "./elementwise.ts";
import { fakeQuantize, fakeQuantizeWeights, noisyQuantize } from "./fake_quantize.ts";
import {
  cast,
  convInteger,
  dequantizeLinear,
  dynamicQuantizeLinear,
  matMulInteger,
  quantizeLinear,
  unpackWeights,
} from "./quantize.ts";
import { anchorLoss } from "./loss/anchor_loss.ts";
import { detectionLoss } from "./loss/detection_loss.ts";
import { resize } from "./resize.ts";
import type { ReferenceTensor } from "./tensor.ts";
import {
  activationGradient,
  batchNormApply,
  batchNormGradient,
  batchNormTraining,
  convWeightGradient,
  maxPoolGradient,
  reduceMaxGradient,
  resizeGradient,
  softmaxGradient,
} from "./train.ts";
import { averagePool, conv, convTranspose, maxPool } from "./window.ts";
import { eachPair } from "../graph/pairs.ts";

const EVALUATE: OperatorFunctions<[inputs: readonly ReferenceTensor[]], ReferenceTensor[]> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  BatchNormalization: batchNormalization,
  ...eachUnary(() => unary),
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  ...eachPair(() => binary),
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  ReduceMean: reduceMean,
  ReduceSum: reduceSum,
  ReduceMax: reduceMax,
  Gemm: gemm,
  MatMul: matMul,
  Softmax: softmax,
  Concat: concat,
  Split: split,
  Slice: slice,
  Reshape: reshape,
  Transpose: transpose,
  TopK: topK,
  GatherElements: gatherElements,
  Resize: resize,
  Pad: pad,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ConvInteger: convInteger,
  MatMulInteger: matMulInteger,
  Cast: cast,
  UnpackWeights: unpackWeights,
  ConvWeightGradient: convWeightGradient,
  BatchNormTraining: batchNormTraining,
  BatchNormGradient: batchNormGradient,
  BatchNormApply: batchNormApply,
  ActivationGradient: activationGradient,
  MaxPoolGradient: maxPoolGradient,
  ReduceMaxGradient: reduceMaxGradient,
  ResizeGradient: resizeGradient,
  SoftmaxGradient: softmaxGradient,
  DetectionLoss: detectionLoss,
  AnchorLoss: anchorLoss,
  FakeQuantize: fakeQuantize,
  FakeQuantizeWeights: fakeQuantizeWeights,
  NoisyQuantize: noisyQuantize,
};

/**
 * Outputs of a node given its inputs, in order.
 *
 * Throws FeatherdetError for inputs that do not fit the node. The shapes of the result are found independently of the shape
 * rules, so that the two can be compared.
 */
export function evaluateNode(node: Node, inputs: readonly ReferenceTensor[]): ReferenceTensor[] {
  const types = inferNode(node, inputs.map(({ shape, dtype = "f32" }) => ({ dtype, shape })));
  return dispatch(EVALUATE, node, inputs).map((tensor, index) => ({ ...tensor, dtype: types[index].dtype }));
}
